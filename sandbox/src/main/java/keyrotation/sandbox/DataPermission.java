package keyrotation.sandbox;

/** What a key or a token may do on Momento's data plane. */
public interface DataPermission {

  /** Tells whether a call may do this. */
  boolean allows(DataAccess access);

  /** The permissions that apply to all caches, items and topics alike. */
  enum AllData implements DataPermission {
    /** Reads and writes items, publishes and subscribes. */
    READ_WRITE,
    /** Reads items and subscribes. */
    READ_ONLY,
    /** Nothing. */
    NONE;

    @Override
    public boolean allows(DataAccess access) {
      return switch (access) {
        case DataAccess.Read _, DataAccess.Subscribe _ -> this != NONE;
        case DataAccess.Write _, DataAccess.Publish _ -> this == READ_WRITE;
      };
    }
  }
}
