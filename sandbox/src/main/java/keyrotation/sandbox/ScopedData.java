package keyrotation.sandbox;

import com.google.protobuf.ByteString;
import grpc.permission_messages.CacheRole;
import grpc.permission_messages.ExplicitPermissions;
import grpc.permission_messages.PermissionsType;
import grpc.permission_messages.PermissionsType.CacheItemSelector;
import grpc.permission_messages.PermissionsType.CachePermissions;
import grpc.permission_messages.PermissionsType.CacheSelector;
import grpc.permission_messages.PermissionsType.TopicPermissions;
import grpc.permission_messages.PermissionsType.TopicSelector;
import grpc.permission_messages.TopicRole;

/**
 * The permissions of a token: what at least one of its statements allows.
 *
 * <p>A statement about a cache that names no items is about all of them, as in the permissions of
 * keys. An empty prefix begins every name.
 */
record ScopedData(ExplicitPermissions permissions) implements DataPermission {

  /** Tells whether a statement has a known role and selects something. */
  static boolean isComplete(PermissionsType statement) {
    return switch (statement.getKindCase()) {
      case CACHE_PERMISSIONS -> isComplete(statement.getCachePermissions());
      case TOPIC_PERMISSIONS -> isComplete(statement.getTopicPermissions());
      case KIND_NOT_SET -> false;
    };
  }

  private static boolean isComplete(CachePermissions statement) {
    boolean selectsCaches =
        switch (statement.getCacheCase()) {
          case ALL_CACHES -> true;
          case CACHE_SELECTOR -> statement.getCacheSelector().hasCacheName();
          case CACHE_NOT_SET -> false;
        };
    boolean selectsItems =
        switch (statement.getCacheItemCase()) {
          case ALL_ITEMS, CACHEITEM_NOT_SET -> true;
          case ITEM_SELECTOR ->
              statement.getItemSelector().getKindCase() != CacheItemSelector.KindCase.KIND_NOT_SET;
        };
    return statement.getRole() != CacheRole.UNRECOGNIZED && selectsCaches && selectsItems;
  }

  private static boolean isComplete(TopicPermissions statement) {
    boolean selectsCaches =
        switch (statement.getCacheCase()) {
          case ALL_CACHES -> true;
          case CACHE_SELECTOR -> statement.getCacheSelector().hasCacheName();
          case CACHE_NOT_SET -> false;
        };
    boolean selectsTopics =
        switch (statement.getTopicCase()) {
          case ALL_TOPICS -> true;
          case TOPIC_SELECTOR ->
              statement.getTopicSelector().getKindCase() != TopicSelector.KindCase.KIND_NOT_SET;
          case TOPIC_NOT_SET -> false;
        };
    return statement.getRole() != TopicRole.UNRECOGNIZED && selectsCaches && selectsTopics;
  }

  @Override
  public boolean allows(DataAccess access) {
    return permissions.getPermissionsList().stream()
        .anyMatch(
            statement ->
                switch (statement.getKindCase()) {
                  case CACHE_PERMISSIONS -> allows(statement.getCachePermissions(), access);
                  case TOPIC_PERMISSIONS -> allows(statement.getTopicPermissions(), access);
                  case KIND_NOT_SET -> false;
                });
  }

  private static boolean allows(CachePermissions statement, DataAccess access) {
    CacheRole role = statement.getRole();
    return switch (access) {
      case DataAccess.Read(String cache, ByteString key) ->
          (role == CacheRole.CacheReadWrite || role == CacheRole.CacheReadOnly)
              && selects(statement, cache, key);
      case DataAccess.Write(String cache, ByteString key) ->
          (role == CacheRole.CacheReadWrite || role == CacheRole.CacheWriteOnly)
              && selects(statement, cache, key);
      case DataAccess.Publish _, DataAccess.Subscribe _ -> false;
    };
  }

  private static boolean allows(TopicPermissions statement, DataAccess access) {
    TopicRole role = statement.getRole();
    return switch (access) {
      case DataAccess.Subscribe(String cache, String topic) ->
          (role == TopicRole.TopicReadWrite || role == TopicRole.TopicReadOnly)
              && selects(statement, cache, topic);
      case DataAccess.Publish(String cache, String topic) ->
          (role == TopicRole.TopicReadWrite || role == TopicRole.TopicWriteOnly)
              && selects(statement, cache, topic);
      case DataAccess.Read _, DataAccess.Write _ -> false;
    };
  }

  private static boolean selects(CachePermissions statement, String cache, ByteString key) {
    CacheItemSelector items = statement.getItemSelector();
    return (statement.hasAllCaches() || isNamed(statement.getCacheSelector(), cache))
        && switch (statement.getCacheItemCase()) {
          case ALL_ITEMS, CACHEITEM_NOT_SET -> true;
          case ITEM_SELECTOR ->
              switch (items.getKindCase()) {
                case KEY -> key.equals(items.getKey());
                case KEY_PREFIX -> key.startsWith(items.getKeyPrefix());
                case KIND_NOT_SET -> false;
              };
        };
  }

  private static boolean selects(TopicPermissions statement, String cache, String topic) {
    TopicSelector topics = statement.getTopicSelector();
    return (statement.hasAllCaches() || isNamed(statement.getCacheSelector(), cache))
        && (statement.hasAllTopics()
            || switch (topics.getKindCase()) {
              case TOPIC_NAME -> topic.equals(topics.getTopicName());
              case TOPIC_NAME_PREFIX -> topic.startsWith(topics.getTopicNamePrefix());
              case KIND_NOT_SET -> false;
            });
  }

  private static boolean isNamed(CacheSelector selector, String cache) {
    return selector.hasCacheName() && selector.getCacheName().equals(cache);
  }
}
