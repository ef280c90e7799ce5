package keyrotation.secretsmanager;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import keyrotation.core.Sensitive;

/**
 * A version of a secret that has a value.
 *
 * @param text the value; empty if it is binary
 * @param labels its staging labels, as of this read
 */
public record Version(String id, Optional<Sensitive> text, Instant created, List<String> labels) {}
