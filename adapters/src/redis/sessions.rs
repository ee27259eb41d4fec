//! How are the sessions of the OpenSlides server read from Redis? (spec: auth.md#session-key)

use async_trait::async_trait;
use domain::ports::Unavailable;
use domain::ports::authenticator::SessionKey;

use super::Redis;
use super::link::RedisLink;
use crate::django::SessionStore;

/// The Django sessions in Redis.
///
/// Each is looked up at the read address first. What is missing there is looked up at the write address, because reads
/// may lag behind the login.
#[derive(Clone)]
pub struct RedisSessions {
    redis: Redis,
    prefix: String,
}

impl RedisSessions {
    /// Reads the sessions whose keys begin with `prefix` (`SESSION_PREFIX`).
    #[must_use]
    pub fn new(redis: &Redis, prefix: &str) -> Self {
        Self { redis: redis.clone(), prefix: prefix.to_owned() }
    }

    fn redis_key(&self, key: &SessionKey) -> String {
        format!("{}{}", self.prefix, key.0)
    }

    async fn get_from(&self, link: &RedisLink, key: &SessionKey) -> Result<Option<Vec<u8>>, Unavailable> {
        // Anything that is not text is not a session.
        link.text_at("reading a session", &self.redis_key(key)).await
    }

    async fn exist_at(&self, link: &RedisLink, keys: &[&SessionKey]) -> Result<Vec<bool>, Unavailable> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut commands = redis::pipe();
        for key in keys {
            commands.exists(self.redis_key(key));
        }
        let exist: Vec<bool> = link.ask("looking for sessions", &commands).await?;
        if exist.len() != keys.len() {
            return Err(link.unavailable("looking for sessions", "an answer is missing"));
        }
        Ok(exist)
    }
}

#[async_trait]
impl SessionStore for RedisSessions {
    async fn get(&self, key: &SessionKey) -> Result<Option<Vec<u8>>, Unavailable> {
        match self.get_from(&self.redis.read, key).await? {
            None if !self.redis.reads_where_it_writes() => self.get_from(&self.redis.write, key).await,
            found => Ok(found),
        }
    }

    async fn exist(&self, keys: &[SessionKey]) -> Result<Vec<bool>, Unavailable> {
        let mut exist = self.exist_at(&self.redis.read, &keys.iter().collect::<Vec<_>>()).await?;
        if self.redis.reads_where_it_writes() {
            return Ok(exist);
        }
        let missing: Vec<_> = (0..keys.len()).filter(|index| !exist[*index]).collect();
        let asked: Vec<_> = missing.iter().map(|index| &keys[*index]).collect();
        for (index, found) in missing.into_iter().zip(self.exist_at(&self.redis.write, &asked).await?) {
            exist[index] = found;
        }
        Ok(exist)
    }
}
