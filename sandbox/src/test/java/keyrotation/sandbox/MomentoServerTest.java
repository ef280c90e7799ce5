package keyrotation.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import grpc.control_client.ScsControlGrpc;
import grpc.control_client._ListCachesRequest;
import grpc.permission_messages.CacheRole;
import grpc.permission_messages.ExplicitPermissions;
import grpc.permission_messages.PermissionsType;
import grpc.permission_messages.SuperUserPermissions;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import momento.auth.AuthGrpc;
import momento.auth._GenerateApiTokenRequest;
import momento.auth._GenerateApiTokenResponse;
import momento.auth._RefreshApiTokenRequest;
import momento.auth._RefreshApiTokenResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MomentoServerTest {

  private static final Duration WEEK = Duration.ofDays(7);

  private static final grpc.permission_messages.Permissions DATA_ONLY =
      grpc.permission_messages.Permissions.newBuilder()
          .setExplicit(
              ExplicitPermissions.newBuilder()
                  .addPermissions(
                      PermissionsType.newBuilder()
                          .setCachePermissions(
                              PermissionsType.CachePermissions.newBuilder()
                                  .setRole(CacheRole.CacheReadOnly)
                                  .setAllCaches(PermissionsType.All.getDefaultInstance()))))
          .build();

  private final ManualClock clock = new ManualClock();
  private final CertificateAuthority authority = new CertificateAuthority();
  private MomentoServer server = MomentoServer.start(authority, clock, RefreshTokens.REUSABLE);
  private ManagedChannel channel = connect(authority);

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.close();
  }

  @Test
  void accepts_a_v2_key_until_it_is_revoked() {
    V2Key key = server.v2Keys().issue(V2Keys.VIEWER, "", Optional.empty());

    assertThat(verdict(key.token())).isEqualTo(Status.Code.OK);
    assertThat(server.hasConfirmed(key.token())).isTrue();

    server.v2Keys().revoke(key.id());
    assertThat(server.accepts(key.token())).isFalse();
    assertThat(verdict(key.token())).isEqualTo(Status.Code.UNAUTHENTICATED);
  }

  @Test
  void denies_caches_to_a_v2_key_whose_role_has_no_right_to_them() {
    V2Keys.Role role = new V2Keys.Role("r-topics", "Topics", V2Keys.Role.Type.CUSTOM, false, false);
    server.v2Keys().add(role);
    V2Key key = server.v2Keys().issue(role, "", Optional.empty());

    assertThat(verdict(key.token())).isEqualTo(Status.Code.PERMISSION_DENIED);
  }

  @Test
  void a_refresh_makes_a_key_with_the_same_rights_and_lifetime() {
    IssuedKey old = server.issue(WEEK, Permissions.DATA_ONLY);
    clock.advance(Duration.ofDays(5));

    var answer = refresh(old.token(), old.refreshToken());

    assertThat(answer.getEndpoint()).isEqualTo(old.endpoint());
    assertThat(answer.getApiKey()).isNotEqualTo(old.token());
    assertThat(answer.getRefreshToken()).isNotEqualTo(old.refreshToken());
    assertThat(answer.getValidUntil()).isEqualTo(clock.instant().plus(WEEK).getEpochSecond());
    assertThat(verdict(answer.getApiKey())).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(verdict(old.token())).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(server.calls().seen()).startsWith("RefreshApiToken", "ListCaches");
  }

  @Test
  void a_reusable_refresh_token_makes_a_key_each_time() {
    IssuedKey old = server.issue(WEEK, Permissions.SUPER_USER);

    assertThat(refresh(old.token(), old.refreshToken()).getApiKey())
        .isNotEqualTo(refresh(old.token(), old.refreshToken()).getApiKey());
  }

  @Test
  void a_single_use_refresh_token_makes_one_key() {
    stop();
    server = MomentoServer.start(authority, clock, RefreshTokens.SINGLE_USE);
    channel = connect(authority);
    IssuedKey old = server.issue(WEEK, Permissions.SUPER_USER);
    var first = refresh(old.token(), old.refreshToken());

    assertRefused(old.token(), old.refreshToken(), Status.Code.INVALID_ARGUMENT);
    refresh(first.getApiKey(), first.getRefreshToken());
  }

  @ParameterizedTest
  @EnumSource(names = {"INVALID_ARGUMENT", "UNAUTHENTICATED"})
  void an_expired_key_cannot_be_refreshed(Status.Code code) {
    server.refuseRefreshWith(code);
    IssuedKey old = server.issue(WEEK, Permissions.SUPER_USER);
    clock.advance(WEEK);

    assertRefused(old.token(), old.refreshToken(), code);
    assertThat(verdict(old.token())).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(server.accepts(old.apiKey())).isFalse();
  }

  @Test
  void a_refresh_token_belongs_to_its_key() {
    IssuedKey one = server.issue(WEEK, Permissions.SUPER_USER);
    IssuedKey other = server.issue(WEEK, Permissions.SUPER_USER);

    assertRefused(one.token(), other.refreshToken(), Status.Code.INVALID_ARGUMENT);
    assertRefused(one.apiKey(), one.refreshToken(), Status.Code.INVALID_ARGUMENT);
  }

  @Test
  void a_key_that_never_expires_cannot_be_refreshed() {
    IssuedKey old = server.issueNonExpiring();

    assertRefused(old.token(), old.refreshToken(), Status.Code.INVALID_ARGUMENT);
    assertThat(verdict(old.token())).isEqualTo(Status.Code.OK);
  }

  @Test
  void a_super_user_key_generates_data_only_keys() {
    IssuedKey superUser = server.issue(WEEK, Permissions.SUPER_USER);

    var made = make(superUser, DATA_ONLY);

    assertThat(made.getEndpoint()).isEqualTo(superUser.endpoint());
    assertThat(made.getValidUntil()).isEqualTo(clock.instant().getEpochSecond() + 60);
    assertThat(verdict(made.getApiKey())).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(refresh(made.getApiKey(), made.getRefreshToken()).getValidUntil())
        .isEqualTo(clock.instant().getEpochSecond() + 60);
    clock.advance(Duration.ofSeconds(60));
    assertThat(verdict(made.getApiKey())).isEqualTo(Status.Code.UNAUTHENTICATED);
  }

  @Test
  void no_key_generates_a_key_with_its_own_permissions() {
    IssuedKey superUser = server.issue(WEEK, Permissions.SUPER_USER);
    IssuedKey dataOnly = server.issue(WEEK, Permissions.DATA_ONLY);
    var superUsers =
        grpc.permission_messages.Permissions.newBuilder()
            .setSuperUser(SuperUserPermissions.SuperUser)
            .build();

    assertMakesNone(superUser, superUsers, Status.Code.PERMISSION_DENIED);
    assertMakesNone(dataOnly, DATA_ONLY, Status.Code.PERMISSION_DENIED);
    assertMakesNone(
        superUser,
        DATA_ONLY.toBuilder().setExplicit(ExplicitPermissions.getDefaultInstance()).build(),
        Status.Code.INVALID_ARGUMENT);
    clock.advance(WEEK);
    assertMakesNone(superUser, DATA_ONLY, Status.Code.UNAUTHENTICATED);
  }

  @Test
  void a_new_key_may_be_rejected_at_first() {
    server.refuseNewKeysAtFirst(2);
    IssuedKey old = server.issue(WEEK, Permissions.SUPER_USER);
    String fresh = refresh(old.token(), old.refreshToken()).getApiKey();

    assertThat(verdict(fresh)).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(verdict(fresh)).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(verdict(fresh)).isEqualTo(Status.Code.OK);
  }

  @Test
  void a_refresh_whose_response_is_lost_has_issued_a_key() {
    IssuedKey old = server.issue(WEEK, Permissions.SUPER_USER);
    server.calls().onNext(MomentoServer.REFRESH, new Fault.DropResponse<>());

    assertRefused(old.token(), old.refreshToken(), Status.Code.UNAVAILABLE);
    assertThat(server.calls().count(MomentoServer.REFRESH)).isEqualTo(1);
  }

  @Test
  void throttling_is_reported_with_a_trailer() {
    server.calls().onNext(MomentoServer.LIST_CACHES, new Fault.Refuse<>(MomentoServer.throttled()));

    assertThatThrownBy(() -> listCaches("any"))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
              assertThat(e.getTrailers())
                  .extracting(t -> t.get(Metadata.Key.of("err", Metadata.ASCII_STRING_MARSHALLER)))
                  .isEqualTo("operations_rate_limit_exceeded");
            });
  }

  @Test
  void a_client_that_does_not_trust_the_authority_cannot_connect() {
    channel.shutdownNow();
    channel = connect(new CertificateAuthority());

    assertThat(verdict("any")).isEqualTo(Status.Code.UNAVAILABLE);
  }

  @Test
  void the_string_form_of_a_key_hides_it() {
    IssuedKey key = server.issue(WEEK, Permissions.SUPER_USER);

    assertThat(key.toString()).doesNotContain(key.token(), key.refreshToken(), key.apiKey());
  }

  private ManagedChannel connect(CertificateAuthority trusted) {
    try {
      return Grpc.newChannelBuilder(
              server.controlEndpoint(),
              TlsChannelCredentials.newBuilder().trustManager(trusted.certificate()).build())
          .build();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private _RefreshApiTokenResponse refresh(String token, String refreshToken) {
    return AuthGrpc.newBlockingStub(channel)
        .refreshApiToken(
            _RefreshApiTokenRequest.newBuilder()
                .setApiKey(token)
                .setRefreshToken(refreshToken)
                .build());
  }

  private _GenerateApiTokenResponse make(
      IssuedKey maker, grpc.permission_messages.Permissions permissions) {
    return AuthGrpc.newBlockingStub(channel)
        .generateApiToken(
            _GenerateApiTokenRequest.newBuilder()
                .setAuthToken(maker.token())
                .setPermissions(permissions)
                .setExpires(_GenerateApiTokenRequest.Expires.newBuilder().setValidForSeconds(60))
                .build());
  }

  private void assertMakesNone(
      IssuedKey maker, grpc.permission_messages.Permissions permissions, Status.Code code) {
    assertThatThrownBy(() -> make(maker, permissions))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class, e -> assertThat(e.getStatus().getCode()).isEqualTo(code));
  }

  private void assertRefused(String token, String refreshToken, Status.Code code) {
    assertThatThrownBy(() -> refresh(token, refreshToken))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class, e -> assertThat(e.getStatus().getCode()).isEqualTo(code));
  }

  private Status.Code verdict(String token) {
    try {
      listCaches(token);
      return Status.Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  private void listCaches(String token) {
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), token);
    var _ =
        ScsControlGrpc.newBlockingStub(channel)
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
            .listCaches(_ListCachesRequest.getDefaultInstance());
  }
}
