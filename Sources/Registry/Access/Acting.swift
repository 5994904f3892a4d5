/// On whose behalf the present task acts; events then name him beside the replica.
///
/// Bound to the task for the length of one request, so that the dozens of orders between a route and the store need not
/// carry him along. Nil where nobody must show who he is, and for what a replica does by itself.
public enum Acting {
    @TaskLocal public static var principal: Principal?
}
