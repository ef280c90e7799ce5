/**
 * The live check: what the function assumes about Momento and Secrets Manager, tried against the
 * real services.
 *
 * <p>{@code docs/assumptions.md} lists the assumptions, and what breaks if one is wrong. Start with
 * {@code LiveCheck}; {@code MomentoAssumptions}, {@code SecretsManagerAssumptions} and {@code
 * RotationAssumptions} are the lists.
 */
@NullMarked
package keyrotation.sandbox.live;

import org.jspecify.annotations.NullMarked;
