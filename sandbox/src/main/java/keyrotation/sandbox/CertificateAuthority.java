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
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import okhttp3.tls.HeldCertificate;

/** A certificate authority of the sandbox's own, made at start and forgotten at the end. */
public final class CertificateAuthority {

  /** The trust store's password; it protects nothing but public certificates. */
  public static final String STORE_PASSWORD = "sandbox";

  private final HeldCertificate root =
      new HeldCertificate.Builder()
          .commonName("Key rotation sandbox")
          .certificateAuthority(0)
          .duration(1, DAYS)
          .build();

  /** Makes an authority. */
  public CertificateAuthority() {}

  /** Returns the authority's certificate as PEM. */
  public InputStream certificate() {
    return stream(root.certificatePem());
  }

  /** Writes the authority's certificate as a JVM's trust store in PKCS #12. */
  public void writeTrustStore(Path file) {
    try (OutputStream out = Files.newOutputStream(file)) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      store.setCertificateEntry("sandbox", root.certificate());
      store.store(out, STORE_PASSWORD.toCharArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This JVM can't write a PKCS #12 store.", e);
    }
  }

  /** Issues a certificate, with its key, for a server on this machine. */
  ServerCredentials issueForLocalhost() {
    HeldCertificate issued =
        new HeldCertificate.Builder()
            .commonName("localhost")
            .addSubjectAlternativeName("localhost")
            .addSubjectAlternativeName("127.0.0.1")
            .duration(1, DAYS)
            .signedBy(root)
            .build();
    try {
      return TlsServerCredentials.create(
          stream(issued.certificatePem()), stream(issued.privateKeyPkcs8Pem()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static InputStream stream(String pem) {
    return new ByteArrayInputStream(pem.getBytes(UTF_8));
  }
}
