package keyrotation.tokens;

import com.google.protobuf.ByteString;
import grpc.permission_messages.CacheRole;
import grpc.permission_messages.PermissionsType;
import grpc.permission_messages.PermissionsType.CacheItemSelector;
import grpc.permission_messages.PermissionsType.CachePermissions;
import grpc.permission_messages.PermissionsType.CacheSelector;
import grpc.permission_messages.PermissionsType.TopicPermissions;
import grpc.permission_messages.PermissionsType.TopicSelector;
import grpc.permission_messages.TopicRole;

/** What a rule lets a token do, and with what. */
sealed interface Permission {

  /**
   * Returns the permission of a caller's token, as Momento's call has it.
   *
   * @throws TokenException {@code CLAIM_UNUSABLE}
   */
  PermissionsType granted(Identity caller);

  /** Which caches. */
  sealed interface Caches permits All, One {}

  /** Which keys of items, or names of topics. */
  sealed interface Names permits All, One, WithPrefix {}

  /** All of them. */
  record All() implements Caches, Names {
    private static final PermissionsType.All GRANTED = PermissionsType.All.getDefaultInstance();
  }

  /** The one with this name. */
  record One(Template name) implements Caches, Names {}

  /** Those whose name begins with this text. */
  record WithPrefix(Template prefix) implements Names {}

  /** To read or write items of caches. */
  record Items(CacheRole role, Caches caches, Names keys) implements Permission {
    @Override
    public PermissionsType granted(Identity caller) {
      CachePermissions.Builder granted = CachePermissions.newBuilder().setRole(role);
      switch (caches) {
        case All _ -> granted.setAllCaches(All.GRANTED);
        case One(Template name) -> granted.setCacheSelector(selector(name.fill(caller)));
      }
      CacheItemSelector.Builder selector = CacheItemSelector.newBuilder();
      switch (keys) {
        case All _ -> granted.setAllItems(All.GRANTED);
        case One(Template key) ->
            granted.setItemSelector(selector.setKey(ByteString.copyFromUtf8(key.fill(caller))));
        case WithPrefix(Template prefix) ->
            granted.setItemSelector(
                selector.setKeyPrefix(ByteString.copyFromUtf8(prefix.fill(caller))));
      }
      return PermissionsType.newBuilder().setCachePermissions(granted).build();
    }
  }

  /** To publish or subscribe to topics. */
  record Topics(TopicRole role, Caches caches, Names topics) implements Permission {
    @Override
    public PermissionsType granted(Identity caller) {
      TopicPermissions.Builder granted = TopicPermissions.newBuilder().setRole(role);
      switch (caches) {
        case All _ -> granted.setAllCaches(All.GRANTED);
        case One(Template name) -> granted.setCacheSelector(selector(name.fill(caller)));
      }
      TopicSelector.Builder selector = TopicSelector.newBuilder();
      switch (topics) {
        case All _ -> granted.setAllTopics(All.GRANTED);
        case One(Template topic) ->
            granted.setTopicSelector(selector.setTopicName(topic.fill(caller)));
        case WithPrefix(Template prefix) ->
            granted.setTopicSelector(selector.setTopicNamePrefix(prefix.fill(caller)));
      }
      return PermissionsType.newBuilder().setTopicPermissions(granted).build();
    }
  }

  private static CacheSelector selector(String cache) {
    return CacheSelector.newBuilder().setCacheName(cache).build();
  }
}
