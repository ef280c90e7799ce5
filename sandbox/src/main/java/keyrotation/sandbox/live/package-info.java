/**
 * The live check, which tests the function's assumptions about Momento and Secrets Manager against
 * the real services.
 *
 * <p>{@code docs/assumptions.md} lists the assumptions and what breaks if one is wrong. {@code
 * LiveCheck} is the entry point; {@code MomentoAssumptions}, {@code V2Assumptions}, {@code
 * SecretsManagerAssumptions} and {@code RotationAssumptions} contain the trials.
 */
@NullMarked
package keyrotation.sandbox.live;

import org.jspecify.annotations.NullMarked;
