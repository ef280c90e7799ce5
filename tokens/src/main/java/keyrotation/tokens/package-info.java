/**
 * A Lambda function behind an API that makes short-lived Momento tokens for verified callers.
 *
 * <p>{@link keyrotation.tokens.TokenHandler} is its entry point. A {@link
 * keyrotation.tokens.Policy} decides what a token may do.
 */
@NullMarked
package keyrotation.tokens;

import org.jspecify.annotations.NullMarked;
