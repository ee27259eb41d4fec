// All texts of the page, in English and German.

const TEXTS = {
  en: {
    title: "OpenSlides autoupdate",
    lead: "Everyone sees exactly what they may see, and it changes before their eyes.",
    skip: "Skip to the content",
    footer: "This page uses the public routes of the service, and nothing else.",
    side: "Side by side", hall: "The hall", voices: "Voices", wire: "The wire", explain: "Explain",
    explainLead: "Why does this person see an element, or not? Answered by the rules that decide it. For superadmins.",
    explainUser: "User id, or anonymous", explainKey: "Element", explainRefused: "Explanations are for superadmins: log in as one.",
    left: "Left", right: "Right", viewer: "Viewer", yourself: "your session", anonymous: "anonymous",
    element: "element", elements: "elements", groups: "Groups", collection: "Collection", only: "only here", allCollections: "Collections",
    differing: "differs", onlyDifferences: "Only what differs", filter: "Filter", hidden: "hidden", fieldHidden: "not visible",
    same: "seen alike by both", showMore: "Show more", nothing: "Nothing to see here.", noDifference: "Both see the same here.",
    gained: "Group {group} gained {permissions}", lost: "Group {group} lost {permissions}",
    sideGained: "{who} now sees {count} more", sideLost: "{who} no longer sees {count}",
    projectors: "Projectors", noProjectors: "No projector is visible to this viewer.", connecting: "connecting", open: "connected", waiting: "interrupted", closed: "closed",
    present: "present", sendAs: "Send as", message: "Message", send: "Send", toAll: "to all", toOther: "to the other viewer",
    messages: "Messages", noMessages: "No messages yet.", applause: "Applause", applaud: "Applaud", applauseOf: "{level} of {present} applaud",
    stream: "Stream", protocol: "Protocol", compression: "Compression", changeId: "Change id", lines: "Lines", bytes: "Bytes",
    skipped: "Changes that affected only others", reconnects: "Reconnects", cut: "Cut the connection", raw: "Last raw lines", none: "none",
    roundTrip: "From sending to screen", roundTripNote: "A message to this page itself, every two seconds: through Redis or its stand-in, the stream, and onto the screen.",
    backAfter: "back after {ms} ms, nothing lost", painted: "From arrival to screen", median: "median {ms} ms", needsLogin: "Needs a login.",
    waitingSpeakers: "Waiting", finished: "Finished", current: "Speaking", closedList: "The list is closed.", noSpeakers: "No speakers.",
    referring: "Referring motions", submitters: "Submitters", recommendation: "Recommendation", reason: "Reason", yes: "Yes", no: "No", abstain: "Abstention",
    valid: "valid", invalid: "invalid", cast: "cast", notPublished: "No results yet.", emptySlide: "Nothing is shown.", amendments: "Amendments",
    candidates: "Candidates", state: "State", created: "created", started: "started", finishedPoll: "finished", published: "published", file: "File",
  },
  de: {
    title: "OpenSlides autoupdate",
    lead: "Alle sehen genau das, was sie sehen dürfen, und es ändert sich vor ihren Augen.",
    skip: "Zum Inhalt springen",
    footer: "Diese Seite benutzt die öffentlichen Routen des Dienstes und nichts sonst.",
    side: "Nebeneinander", hall: "Der Saal", voices: "Stimmen", wire: "Die Leitung", explain: "Warum?",
    explainLead: "Warum sieht jemand ein Element, oder nicht? Gesagt von den Regeln, die entscheiden. Für Superadmins.",
    explainUser: "Nummer der Person, oder anonym", explainKey: "Element", explainRefused: "Erklärungen sind für Superadmins: bitte entsprechend anmelden.",
    left: "Links", right: "Rechts", viewer: "Ansicht als", yourself: "eigene Sitzung", anonymous: "anonym",
    element: "Element", elements: "Elemente", groups: "Gruppen", collection: "Sammlung", only: "nur hier", allCollections: "Sammlungen",
    differing: "verschieden", onlyDifferences: "Nur Unterschiede", filter: "Filter", hidden: "verborgen", fieldHidden: "nicht sichtbar",
    same: "für beide gleich", showMore: "Mehr zeigen", nothing: "Hier gibt es nichts zu sehen.", noDifference: "Hier sehen beide dasselbe.",
    gained: "Gruppe {group} hat jetzt {permissions}", lost: "Gruppe {group} verliert {permissions}",
    sideGained: "{who} sieht jetzt {count} mehr", sideLost: "{who} sieht {count} nicht mehr",
    projectors: "Projektoren", noProjectors: "Hier ist kein Projektor sichtbar.", connecting: "verbindet", open: "verbunden", waiting: "unterbrochen", closed: "beendet",
    present: "anwesend", sendAs: "Senden als", message: "Nachricht", send: "Senden", toAll: "an alle", toOther: "an die andere Seite",
    messages: "Nachrichten", noMessages: "Noch keine Nachrichten.", applause: "Applaus", applaud: "Applaudieren", applauseOf: "{level} von {present} applaudieren",
    stream: "Stream", protocol: "Protokoll", compression: "Kompression", changeId: "Änderung", lines: "Zeilen", bytes: "Bytes",
    skipped: "Änderungen, die andere betrafen", reconnects: "Neu verbunden", cut: "Verbindung trennen", raw: "Letzte Zeilen, roh", none: "keine",
    roundTrip: "Vom Absenden bis zum Bildschirm", roundTripNote: "Eine Nachricht dieser Seite an sich selbst, alle zwei Sekunden: durch Redis oder dessen Ersatz, den Stream und auf den Bildschirm.",
    backAfter: "nach {ms} ms zurück, nichts verloren", painted: "Vom Eintreffen bis zum Bildschirm", median: "Median {ms} ms", needsLogin: "Braucht eine Anmeldung.",
    waitingSpeakers: "Warten", finished: "Fertig", current: "Spricht", closedList: "Die Liste ist geschlossen.", noSpeakers: "Keine Redner.",
    referring: "Verweisende Anträge", submitters: "Antragsteller", recommendation: "Empfehlung", reason: "Begründung", yes: "Ja", no: "Nein", abstain: "Enthaltung",
    valid: "gültig", invalid: "ungültig", cast: "abgegeben", notPublished: "Noch kein Ergebnis.", emptySlide: "Nichts zu sehen.", amendments: "Änderungsanträge",
    candidates: "Kandidaten", state: "Zustand", created: "erstellt", started: "läuft", finishedPoll: "beendet", published: "veröffentlicht", file: "Datei",
  },
};

/** The language of the page: German if the browser asks for it first, otherwise English. */
export const language = navigator.language?.toLowerCase().startsWith("de") ? "de" : "en";

/** The text `name`, with each `{…}` replaced by its value. */
export function t(name, values = {}) {
  const text = TEXTS[language][name] ?? TEXTS.en[name] ?? name;
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

/** A number formatted for this language. */
export function number(value) {
  return new Intl.NumberFormat(language).format(value);
}
