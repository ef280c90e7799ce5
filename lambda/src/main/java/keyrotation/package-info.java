/**
 * Keeps Momento API keys in AWS Secrets Manager fresh.
 *
 * <p>Lambda calls {@link keyrotation.RotationHandler}. It reads an event, an {@code Invocation}
 * carries it out, and the results become a report. {@link keyrotation.rotation.Rotation} is the
 * main path. Packages depend downwards only: {@code keyrotation} on {@code event} and {@code
 * rotation}, these on {@code momento} and {@code secretsmanager}, and all on {@code core}.
 */
@NullMarked
package keyrotation;

import org.jspecify.annotations.NullMarked;
