package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.DAYS;

import io.grpc.ServerCredentials;
import io.grpc.TlsServerCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedKeyManager;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.jspecify.annotations.Nullable;

/** The sandbox's own certificate authority, created at start and never stored. */
public final class CertificateAuthority {

  private final HeldCertificate root =
      new HeldCertificate.Builder()
          .commonName("Key rotation sandbox")
          .certificateAuthority(0)
          .duration(1, DAYS)
          .build();

  /** One for all servers, as a new one takes its time. */
  private final SingleKeyManager serverKey =
      new SingleKeyManager(
          new HeldCertificate.Builder()
              .commonName("localhost")
              .addSubjectAlternativeName("localhost")
              .addSubjectAlternativeName("127.0.0.1")
              .addSubjectAlternativeName("secretsmanager.sandbox")
              .addSubjectAlternativeName("*." + MomentoServer.ENDPOINT)
              .duration(1, DAYS)
              .signedBy(root)
              .build());

  /** Creates an authority with a new key. */
  public CertificateAuthority() {}

  /** Returns the authority's certificate as PEM. */
  public InputStream certificate() {
    return stream(root.certificatePem());
  }

  /** Writes the authority's certificate as a JVM's trust store in PKCS #12, without a password. */
  public void writeTrustStore(Path file) {
    try (OutputStream out = Files.newOutputStream(file)) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      store.setCertificateEntry("sandbox", root.certificate());
      store.store(out, null);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This JVM cannot write a PKCS #12 store.", e);
    }
  }

  /** Returns trust managers for clients that do not take a trust store. */
  TrustManager[] trustManagers() {
    var certificates =
        new HandshakeCertificates.Builder().addTrustedCertificate(root.certificate()).build();
    return new TrustManager[] {certificates.trustManager()};
  }

  /** Returns a context for clients, which trust this authority only. */
  public SSLContext contextForClients() {
    return new HandshakeCertificates.Builder()
        .addTrustedCertificate(root.certificate())
        .build()
        .sslContext();
  }

  /** Returns a certificate, with its key, for the servers on this machine. */
  ServerCredentials credentialsForLocalhost() {
    return TlsServerCredentials.newBuilder()
        .keyManager(serverKey)
        // No client shows a certificate. Else Netty would encode all that the JVM trusts.
        .trustManager(trustManagers())
        .build();
  }

  /** The same as an {@link SSLContext}. */
  SSLContext contextForLocalhost() {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(new KeyManager[] {serverKey}, null, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This JVM does not support TLS.", e);
    }
  }

  private static InputStream stream(String pem) {
    return new ByteArrayInputStream(pem.getBytes(UTF_8));
  }

  /** A key manager with one key; a JDK key store would spend time on encrypting it. */
  private static final class SingleKeyManager extends X509ExtendedKeyManager {
    private static final String ALIAS = "localhost";

    private final HeldCertificate key;

    SingleKeyManager(HeldCertificate key) {
      this.key = key;
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return new X509Certificate[] {key.certificate()};
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return key.keyPair().getPrivate();
    }

    @Override
    public String[] getServerAliases(String keyType, Principal @Nullable [] issuers) {
      return new String[] {ALIAS};
    }

    @Override
    public String chooseServerAlias(
        String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
      return ALIAS;
    }

    @Override
    public String chooseEngineServerAlias(
        String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
      return ALIAS;
    }

    @Override
    public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
      return null;
    }

    @Override
    public @Nullable String chooseClientAlias(
        String[] keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
      return null;
    }
  }
}
