/**
 * For applications that use a Momento key which is stored in AWS Secrets Manager and rotated.
 *
 * <p>{@link keyrotation.client.CurrentKey} reads the key and notices when it changes. {@link
 * keyrotation.client.FollowingClient} sends calls to a client of Momento's SDK that always has the
 * current key. {@link keyrotation.client.TopicSubscriber} keeps subscriptions alive across changes.
 */
@NullMarked
package keyrotation.client;

import org.jspecify.annotations.NullMarked;
