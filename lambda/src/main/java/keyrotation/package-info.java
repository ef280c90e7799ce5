/**
 * Keeps Momento API keys in AWS Secrets Manager fresh.
 *
 * <p>The one way in is {@link keyrotation.RotationHandler}. Data goes one way: an event names
 * secrets, {@code Rotation} takes each through its steps, and results become a report. {@code
 * Rotation} sees Secrets Manager as a {@code SecretStore} and Momento as a {@code MomentoClient},
 * and nothing of events or Lambda.
 */
@NullMarked
package keyrotation;

import org.jspecify.annotations.NullMarked;
