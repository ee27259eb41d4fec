//! How does a test reach a fake Redis over TLS?

use std::sync::Arc;

use super::fake_redis::FakeRedis;
use crate::redis::RedisAuthority;

/// Accepts TLS in front of `fake`, with a certificate for `host`. Returns the port and the authority to trust.
pub(super) async fn behind_tls(fake: &FakeRedis, host: &str) -> (u16, RedisAuthority) {
    let identity = rcgen::generate_simple_self_signed([host.to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::try_from(identity.signing_key.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.der().clone()], key)
        .expect("a certificate and its key");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind((host, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let redis = fake.transport();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, redis) = (acceptor.clone(), redis.clone());
            tokio::spawn(async move {
                // A client that does not trust the certificate aborts the handshake.
                let Ok(mut near) = acceptor.accept(stream).await else { return };
                let mut far = redis.open().await.expect("a stream in memory");
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (port, RedisAuthority::from_pem(identity.cert.pem().as_bytes()).expect("a certificate"))
}
