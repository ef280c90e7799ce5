package keyrotation.sandbox;

import com.google.protobuf.ByteString;
import grpc.cache_client.ECacheResult;
import grpc.cache_client.ScsGrpc;
import grpc.cache_client._DeleteRequest;
import grpc.cache_client._DeleteResponse;
import grpc.cache_client._GetRequest;
import grpc.cache_client._GetResponse;
import grpc.cache_client._SetRequest;
import grpc.cache_client._SetResponse;
import grpc.cache_client.pubsub.PubsubGrpc;
import grpc.cache_client.pubsub._PublishRequest;
import grpc.cache_client.pubsub._SubscriptionItem;
import grpc.cache_client.pubsub._SubscriptionRequest;
import grpc.common._Empty;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Predicate;
import keyrotation.sandbox.Topic.Subscription;

/**
 * Momento's data plane: {@code Get}, {@code Set} and {@code Delete} of caches, {@code Publish} and
 * {@code Subscribe} of topics.
 *
 * <p>{@code sandbox/README.md} describes what it models.
 */
public final class DataPlane {

  /** The name of the call that reads an item, in {@link MomentoServer#calls}. */
  public static final String GET = "Get";

  /** The name of the call that sets an item, in {@link MomentoServer#calls}. */
  public static final String SET = "Set";

  /** The name of the call that deletes an item, in {@link MomentoServer#calls}. */
  public static final String DELETE = "Delete";

  /** The name of the call that publishes a message, in {@link MomentoServer#calls}. */
  public static final String PUBLISH = "Publish";

  /** The name of the call that opens a subscription, in {@link MomentoServer#calls}. */
  public static final String SUBSCRIBE = "Subscribe";

  /** How often open streams are compared with the keys, in real time. */
  private static final Duration CHECK_INTERVAL = Duration.ofMillis(40);

  private static final Context.Key<Caller> CALLER = Context.key("caller");

  /**
   * Who calls, and with which cache; calls of topics name their cache in the message instead.
   *
   * @param cache empty if no header names it
   */
  private record Caller(String token, String cache) {}

  /**
   * What a caller's key or token permits.
   *
   * @param publisherId names the publisher of a message to its subscribers; empty for keys
   */
  record Grant(DataPermission permission, String publisherId) {}

  private record ItemName(String cache, ByteString key) {}

  private record Item(ByteString value, Instant validUntil) {}

  private record TopicName(String cache, String topic) {}

  private final InstantSource clock;
  private final FaultInjector<StatusRuntimeException> calls;
  private final Function<String, Optional<Grant>> grants;
  private final Predicate<String> caches;
  private final Map<ItemName, Item> items = new ConcurrentHashMap<>();
  private final Map<TopicName, Topic> topics = new ConcurrentHashMap<>();
  private volatile int retention = 100;

  /**
   * Creates a data plane without items.
   *
   * @param grants returns what a caller's token permits; empty if the token is not valid
   * @param caches tells whether a cache exists
   */
  DataPlane(
      InstantSource clock,
      FaultInjector<StatusRuntimeException> calls,
      Function<String, Optional<Grant>> grants,
      Predicate<String> caches) {
    this.clock = clock;
    this.calls = calls;
    this.grants = grants;
    this.caches = caches;
  }

  /** Returns the number of open subscriptions. */
  public int openSubscriptions() {
    return topics.values().stream().mapToInt(topic -> topic.subscriptions().size()).sum();
  }

  /** Returns the number of open subscriptions of a topic. */
  public int openSubscriptions(String cache, String topic) {
    return topic(cache, topic).subscriptions().size();
  }

  /** Ends all open subscriptions with this status; with {@code OK}, they complete. */
  public void endSubscriptions(Status status) {
    endAll(_ -> true, status.asRuntimeException());
  }

  /** Ends the open subscriptions of a topic with this status; with {@code OK}, they complete. */
  public void endSubscriptions(String cache, String topic, Status status) {
    Topic ended = topic(cache, topic);
    ended.subscriptions().forEach(open -> ended.end(open, status.asRuntimeException()));
  }

  /**
   * Sets how many of its latest messages each topic keeps for resumed subscriptions; 100 at first.
   */
  public void retainMessages(int count) {
    retention = count;
  }

  /**
   * Starts a new sequence page of a topic: its numbers start again at 1, earlier messages are
   * forgotten, and open subscriptions receive a discontinuity.
   *
   * @return the number of the page, greater than that of the page before
   */
  public long startNewPage(String cache, String topic) {
    return topic(cache, topic).startNewPage();
  }

  /** Returns the gRPC services. */
  List<ServerServiceDefinition> services() {
    CallerReader reader = new CallerReader();
    return List.of(
        ServerInterceptors.intercept(new Caches(), reader),
        ServerInterceptors.intercept(new Topics(), reader));
  }

  /**
   * Ends the subscriptions of keys that have expired or were revoked, until it is interrupted. A
   * manual clock announces nothing, so the keys are compared again and again.
   */
  void watchKeys() {
    try {
      while (true) {
        Thread.sleep(CHECK_INTERVAL);
        endAll(open -> grants.apply(open.token()).isEmpty(), MomentoServer.unauthenticated());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void endAll(Predicate<Subscription> which, StatusRuntimeException error) {
    for (Topic topic : topics.values()) {
      topic.subscriptions().stream().filter(which).forEach(open -> topic.end(open, error));
    }
  }

  private Topic topic(String cache, String topic) {
    return topics.computeIfAbsent(new TopicName(cache, topic), _ -> new Topic());
  }

  private Grant check(String token, DataAccess access) {
    Grant grant = grants.apply(token).orElseThrow(MomentoServer::unauthenticated);
    if (!grant.permission.allows(access)) {
      throw MomentoServer.denied();
    }
    if (!caches.test(access.cache())) {
      // Momento's word is not documented; its SDKs look for those of stores and items only.
      throw MomentoServer.error(Status.NOT_FOUND, "cache_not_found");
    }
    return grant;
  }

  private final class Caches extends ScsGrpc.ScsImplBase {
    @Override
    public void get(_GetRequest request, StreamObserver<_GetResponse> caller) {
      String token = CALLER.get().token;
      ItemName name = new ItemName(CALLER.get().cache, request.getCacheKey());
      MomentoServer.answer(
          calls,
          GET,
          caller,
          () -> {
            check(token, new DataAccess.Read(name.cache, name.key));
            return find(name);
          });
    }

    @Override
    public void set(_SetRequest request, StreamObserver<_SetResponse> caller) {
      String token = CALLER.get().token;
      ItemName name = new ItemName(CALLER.get().cache, request.getCacheKey());
      MomentoServer.answer(
          calls,
          SET,
          caller,
          () -> {
            check(token, new DataAccess.Write(name.cache, name.key));
            Instant end = clock.instant().plusMillis(request.getTtlMilliseconds());
            items.put(name, new Item(request.getCacheBody(), end));
            return _SetResponse.newBuilder().setResult(ECacheResult.Ok).build();
          });
    }

    @Override
    public void delete(_DeleteRequest request, StreamObserver<_DeleteResponse> caller) {
      String token = CALLER.get().token;
      ItemName name = new ItemName(CALLER.get().cache, request.getCacheKey());
      MomentoServer.answer(
          calls,
          DELETE,
          caller,
          () -> {
            check(token, new DataAccess.Write(name.cache, name.key));
            items.remove(name);
            return _DeleteResponse.getDefaultInstance();
          });
    }

    private _GetResponse find(ItemName name) {
      Item item = items.get(name);
      if (item == null || !clock.instant().isBefore(item.validUntil)) {
        return _GetResponse.newBuilder().setResult(ECacheResult.Miss).build();
      }
      return _GetResponse.newBuilder().setResult(ECacheResult.Hit).setCacheBody(item.value).build();
    }
  }

  private final class Topics extends PubsubGrpc.PubsubImplBase {
    @Override
    public void publish(_PublishRequest request, StreamObserver<_Empty> caller) {
      String token = CALLER.get().token;
      MomentoServer.answer(
          calls,
          PUBLISH,
          caller,
          () -> {
            Grant grant =
                check(token, new DataAccess.Publish(request.getCacheName(), request.getTopic()));
            topic(request.getCacheName(), request.getTopic())
                .publish(request.getValue(), grant.publisherId, retention);
            return _Empty.getDefaultInstance();
          });
    }

    @Override
    public void subscribe(_SubscriptionRequest request, StreamObserver<_SubscriptionItem> caller) {
      String token = CALLER.get().token;
      Topic topic = topic(request.getCacheName(), request.getTopic());
      Subscription subscription = new Subscription(token, caller);
      // Runs after this method at the earliest, so not before the subscription is open.
      ((ServerCallStreamObserver<_SubscriptionItem>) caller)
          .setOnCancelHandler(() -> topic.remove(subscription));
      MomentoServer.answer(
          calls,
          SUBSCRIBE,
          caller,
          () -> {
            check(token, new DataAccess.Subscribe(request.getCacheName(), request.getTopic()));
            return subscription;
          },
          checked -> topic.open(checked, request));
    }
  }

  /** Reads the caller's key and the cache from the headers. */
  private static final class CallerReader implements ServerInterceptor {
    private static final Metadata.Key<String> CACHE = MomentoServer.header("cache");

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      String token = Optional.ofNullable(headers.get(MomentoServer.AUTHORIZATION)).orElse("");
      String cache = Optional.ofNullable(headers.get(CACHE)).orElse("");
      Context context = Context.current().withValue(CALLER, new Caller(token, cache));
      return Contexts.interceptCall(context, call, headers, next);
    }
  }
}
