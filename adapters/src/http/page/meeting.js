// What one viewer has of the meeting, kept up to date by the lines of the autoupdate stream.

/** All elements that one viewer may see: collection → id → element. */
export class Meeting {
  constructor() {
    this.collections = new Map();
    this.changeId = 0;
    this.changesSkipped = 0; // How many changes did not affect this viewer.
    this.listeners = new Set();
  }

  /** Applies a line of `/system/autoupdate`, and notifies the listeners of the changed and deleted keys. */
  apply(line) {
    const changed = [];
    const deleted = [];
    if (line.all_data) {
      const kept = new Set(Object.entries(line.changed).flatMap(([name, list]) => list.map((element) => `${name}:${element.id}`)));
      for (const key of this.keys()) if (!kept.has(key)) deleted.push(key);
      this.collections.clear();
    } else if (this.changeId > 0) {
      this.changesSkipped += Math.max(0, line.to_change_id - this.changeId - 1);
    }
    for (const [name, list] of Object.entries(line.changed)) {
      const collection = this.collections.get(name) ?? new Map();
      this.collections.set(name, collection);
      for (const element of list) {
        const key = `${name}:${element.id}`;
        changed.push({ key, before: collection.get(element.id), after: element });
        collection.set(element.id, element);
      }
    }
    for (const [name, ids] of Object.entries(line.deleted)) {
      for (const id of ids) if (this.collections.get(name)?.delete(id)) deleted.push(`${name}:${id}`);
    }
    this.changeId = line.to_change_id;
    for (const listener of this.listeners) listener({ changed, deleted, isFirst: line.all_data });
  }

  get(collection, id) {
    return this.collections.get(collection)?.get(id);
  }

  count(collection) {
    return this.collections.get(collection)?.size ?? 0;
  }

  total() {
    let total = 0;
    for (const collection of this.collections.values()) total += collection.size;
    return total;
  }

  *keys() {
    for (const [name, elements] of this.collections) for (const id of elements.keys()) yield `${name}:${id}`;
  }

  /** The name of a user; null if this viewer does not see the user. */
  userName(id) {
    const user = this.get("users/user", id);
    if (!user) return null;
    const name = [user.title, user.first_name, user.last_name].filter(Boolean).join(" ");
    return name || user.username;
  }
}

/** Splits an element key into collection and id. */
export function splitKey(key) {
  const at = key.lastIndexOf(":");
  return [key.slice(0, at), Number(key.slice(at + 1))];
}

/** A short title for an element of any collection. */
export function titleOf(collection, element, meeting) {
  if (collection === "users/user") return meeting.userName(element.id) ?? "";
  const own = element.title || element.name || element.key || element.text || element.message || element.description;
  const number = element.identifier || element.item_number;
  const title = own || element.title_information?.title || element.filename || element.value || meeting.userName(element.user_id) || "";
  return [number, typeof title === "string" ? title : JSON.stringify(title)].filter(Boolean).join(" · ");
}
