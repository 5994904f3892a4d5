/// What each key is for, for people: the key `help` in Redis and the table in `cluster/README.md` are both made of it.
public enum KeyTable {
    public struct Row: Sendable, Hashable {
        /// Without the prefix.
        public let name: String
        public let type: String
        public let holds: String
        public let writtenBy: String
        public let kept: String
        /// What to type after `redis-cli`; `$P` is the prefix.
        public let command: String
    }

    public static let rows: [Row] = [
        Row(
            name: "service:<id>",
            type: "hash",
            holds: "one service: the fields of its registration, draining, source, epoch",
            writtenBy:
                "service_register, service_patch, service_drain, service_remove, services_expire, registry_repair, "
                + "discovery_register, discovery_remove, discovery_resolve",
            kept: "until removed",
            command: "HGETALL $P'service:<id>'"
        ),
        Row(
            name: "services",
            type: "zset",
            holds: "ids of all services, by the epoch of their last change",
            writtenBy: "as service:<id>",
            kept: "with the service",
            command: "ZRANGE $P'services' 0 -1 WITHSCORES"
        ),
        Row(
            name: "model:<type>",
            type: "hash",
            holds: "a model type: latest, history, alias:<name>, split, shadow, recording, state:<v>, since:<v>, "
                + "deploy:<v>, deployed:<v>, hosts:<v>, rollout:…, evaluations:<v>, verdict:<v>, "
                + "require_evaluation, epoch",
            writtenBy:
                "model_switch, model_rollback, model_alias, model_traffic, model_retire, model_mark, "
                + "model_deploy, model_offer, deployment_note, rollout_step, model_require, evaluation_end, recording_set, registry_repair",
            kept: "until removed",
            command: "HGETALL $P'model:<type>'"
        ),
        Row(
            name: "models",
            type: "zset",
            holds: "model types that have such a hash, by the epoch of its last change",
            writtenBy: "as model:<type>",
            kept: "with the model",
            command: "ZRANGE $P'models' 0 -1 WITHSCORES"
        ),
        Row(
            name: "tombstones",
            type: "zset",
            holds: "what was removed (kind:id), by the epoch of the removal",
            writtenBy: "service_remove, services_expire, registry_repair",
            kept: "24 h each",
            command: "ZRANGE $P'tombstones' 0 -1 WITHSCORES"
        ),
        Row(
            name: "leases",
            type: "zset",
            holds: "services that must heartbeat, by their deadline in ms on the lease clock",
            writtenBy: "service_register, service_heartbeat, services_expire, registry_repair",
            kept: "with the service",
            command: "ZRANGE $P'leases' 0 -1 WITHSCORES"
        ),
        Row(
            name: "meta",
            type: "hash",
            holds:
                "generation of the data set, its parent and birth; epoch, count and sum of stamps; term; the lease clock; "
                + "versions; when grants begin",
            writtenBy: "every function that changes something",
            kept: "always",
            command: "HGETALL $P'meta'"
        ),
        Row(
            name: "log",
            type: "stream",
            holds: "changes of the registry: entry id <epoch>-0; op, id, prev (the epoch before), stamp, the record",
            writtenBy: "every function that changes the registry",
            kept: "about the last 8192 changes",
            command: "XREVRANGE $P'log' + - COUNT 10"
        ),
        Row(
            name: "events",
            type: "stream",
            holds: "for the audit: actor, kind, subject, epoch, detail",
            writtenBy: "every function that changes the registry",
            kept: "about the last 10000 events",
            command: "XREVRANGE $P'events' + - COUNT 10"
        ),
        Row(
            name: "services-file",
            type: "hash",
            holds: "entries of the services file as they were last applied",
            writtenBy: "services_file_store",
            kept: "always",
            command: "HGETALL $P'services-file'"
        ),
        Row(
            name: "sightings",
            type: "hash",
            holds: "services found by introspection: fingerprint of what was registered; gone: removed by discovery",
            writtenBy: "discovery_register, discovery_remove",
            kept: "at least a day after the service; pruned above 4096",
            command: "HGETALL $P'sightings'"
        ),
        Row(
            name: "catalogue:<url>",
            type: "hash",
            holds: "entries of a catalogue as they were last applied",
            writtenBy: "discovery_catalogue",
            kept: "while the catalogue is configured",
            command: "HGETALL $P'catalogue:<url>'"
        ),
        Row(
            name: "catalogues",
            type: "set",
            holds: "URLs of the catalogues of which something is applied",
            writtenBy: "as catalogue:<url>",
            kept: "as catalogue:<url>",
            command: "SMEMBERS $P'catalogues'"
        ),
        Row(
            name: "discovery",
            type: "hash",
            holds: "the last sweep: at (ms), by, term, summary; per source what it found, and its errors so far",
            writtenBy: "discovery_sweep",
            kept: "always",
            command: "HGETALL $P'discovery'"
        ),
        Row(
            name: "sessions",
            type: "zset",
            holds: "sessions of replicas, by their deadline in ms on the lease clock",
            writtenBy: "session_beat, session_end",
            kept: "60 s after the deadline",
            command: "ZRANGE $P'sessions' 0 -1 WITHSCORES"
        ),
        Row(
            name: "replica:<id>",
            type: "hash",
            holds:
                "one replica: session, epoch, in_flight, started_at, version, address, leaving, requests, retries, draining (requests in flight at services that drain)",
            writtenBy: "as sessions",
            kept: "with its session",
            command: "HGETALL $P'replica:<id>'"
        ),
        Row(
            name: "leader",
            type: "hash",
            holds: "who leads: holder (empty: nobody), term, deadline in ms on the lease clock, taken_at",
            writtenBy: "lease_campaign, lease_resign",
            kept: "always",
            command: "HGETALL $P'leader'"
        ),
        Row(
            name: "signals",
            type: "stream",
            holds:
                "hints for replicas that listen: kind (elected, resigned, left, want, free, breaker, probe_wanted, "
                + "probe_free, verdict, second_opinion, job_queued, job_cancel, job_ended, evaluation_queued, hint), "
                + "subject, detail",
            writtenBy:
                "session_end, lease_campaign, lease_resign, permit_lease, "
                + "breaker_*, health_report, discovery_hint",
            kept: "about the last 1000 signals",
            command: "XREVRANGE $P'signals' + - COUNT 10"
        ),
        Row(
            name: "permits:<service>@<url>",
            type: "hash",
            holds: "permits of an instance: by session, permits held:number of the call; #limit is version:limit, "
                + "#asked:<session> when one that waits asked last, in ms on the lease clock",
            writtenBy: "permit_lease, permit_forget",
            kept: "until the instance is gone",
            command: "HGETALL $P'permits:<service>@<url>'"
        ),
        Row(
            name: "waiters:<service>@<url>",
            type: "zset",
            holds: "sessions that wait for permits of an instance, by the lease clock when they began",
            writtenBy: "as permits:<service>@<url>",
            kept: "while somebody waits",
            command: "ZRANGE $P'waiters:<service>@<url>' 0 -1 WITHSCORES"
        ),
        Row(
            name: "cursor:<pool>",
            type: "string",
            holds: "how many round-robin tickets of a pool have been handed out",
            writtenBy: "ticket_block",
            kept: "always",
            command: "GET $P'cursor:<pool>'"
        ),
        Row(
            name: "breaker:<service>@<url>",
            type: "hash",
            holds: "an instance's breaker: state, trips, generation, failures in a row, opened_at and retry_at on the "
                + "lease clock, second:<n> (successes:failures), probe:<session>#<n> (its deadline)",
            writtenBy: "breaker_report, breaker_probe, breaker_probe_end, breaker_forget",
            kept: "until the instance is gone",
            command: "HGETALL $P'breaker:<service>@<url>'"
        ),
        Row(
            name: "breakers",
            type: "zset",
            holds: "instances whose breaker ever moved, by the version of the last move",
            writtenBy: "as breaker:<service>@<url>",
            kept: "until the instance is gone",
            command: "ZRANGE $P'breakers' 0 -1 WITHSCORES"
        ),
        Row(
            name: "ejected:<pool>",
            type: "set",
            holds: "instances of a pool that breakers have taken out",
            writtenBy: "as breaker:<service>@<url>",
            kept: "until they are back",
            command: "SMEMBERS $P'ejected:<pool>'"
        ),
        Row(
            name: "health:<service>@<url>",
            type: "hash",
            holds: "what probes know of an instance: verdict, since, last_check, checked_by, latency_us, error, lease "
                + "and due on the lease clock, suspected_by, unreachable:<replica>",
            writtenBy: "health_claim, health_report, health_forget",
            kept: "until the instance is gone",
            command: "HGETALL $P'health:<service>@<url>'"
        ),
        Row(
            name: "health-history:<service>@<url>",
            type: "list",
            holds: "the last 20 changes of an instance's verdict: ms, before, after, replica, error; newest first",
            writtenBy: "health_report, health_forget",
            kept: "until the instance is gone",
            command: "LRANGE $P'health-history:<service>@<url>' 0 -1"
        ),
        Row(
            name: "verdicts",
            type: "zset",
            holds: "instances with a verdict, by the version of its last change",
            writtenBy: "health_report, health_forget",
            kept: "until the instance is gone",
            command: "ZRANGE $P'verdicts' 0 -1 WITHSCORES"
        ),
        Row(
            name: "job:<id>",
            type: "hash",
            holds: "one training job: status, phase, runner, instance, attempts, progress, result, times, key",
            writtenBy: "job_submit, job_claim, job_send, job_note, job_release, job_end, job_cancel",
            kept: "7 days after its end, at most 10000 that have ended",
            command: "HGETALL $P'job:<id>'"
        ),
        Row(
            name: "job-request:<id>",
            type: "string",
            holds: "what the job's caller sent",
            writtenBy: "job_submit, job_end, job_cancel",
            kept: "until the job ends",
            command: "GET $P'job-request:<id>'"
        ),
        Row(
            name: "jobs",
            type: "zset",
            holds: "ids of all jobs, by the time in microseconds when they were submitted",
            writtenBy: "job_submit",
            kept: "with the job",
            command: "ZREVRANGE $P'jobs' 0 -1"
        ),
        Row(
            name: "jobs-waiting",
            type: "zset",
            holds: "jobs that wait for a runner, by the lease clock when they are due",
            writtenBy: "job_submit, job_claim, job_release, job_cancel",
            kept: "while they wait",
            command: "ZRANGE $P'jobs-waiting' 0 -1 WITHSCORES"
        ),
        Row(
            name: "jobs-held",
            type: "hash",
            holds: "jobs that a runner has, and its session; empty: for any other runner to take over",
            writtenBy: "job_claim, job_release, job_end, job_cancel",
            kept: "until the job ends or waits again",
            command: "HGETALL $P'jobs-held'"
        ),
        Row(
            name: "jobs-placed",
            type: "hash",
            holds: "jobs that a trainer has or may have, and the instance <service>@<url>",
            writtenBy: "job_send, job_note, job_end",
            kept: "until the job ends",
            command: "HGETALL $P'jobs-placed'"
        ),
        Row(
            name: "jobs-ended",
            type: "zset",
            holds: "jobs that have ended, by the time in microseconds of their end",
            writtenBy: "job_end, job_cancel",
            kept: "with the job",
            command: "ZRANGE $P'jobs-ended' 0 -1 WITHSCORES"
        ),
        Row(
            name: "job-keys",
            type: "hash",
            holds: "idempotency keys, and the job each belongs to",
            writtenBy: "job_submit",
            kept: "with the job",
            command: "HGETALL $P'job-keys'"
        ),
        Row(
            name: "evaluation:<id>",
            type: "hash",
            holds: "one offline test that waits or is being made: model type, version, request, attempts",
            writtenBy: "evaluation_submit, evaluation_next, evaluation_end",
            kept: "until its verdict stands on the version",
            command: "HGETALL $P'evaluation:<id>'"
        ),
        Row(
            name: "evaluations-waiting",
            type: "zset",
            holds: "offline tests without a verdict, by the time in microseconds when they were asked for",
            writtenBy: "evaluation_submit, evaluation_end",
            kept: "until the verdict",
            command: "ZRANGE $P'evaluations-waiting' 0 -1"
        ),
        Row(
            name: "recorded:<type>",
            type: "list",
            holds: "live predictions that were recorded, the newest first: ms, then JSON with version, request, answer",
            writtenBy: "recording_set, recording_add, recording_read",
            kept: "until recording ends, at most 7 days and 1000 of them",
            command: "LRANGE $P'recorded:<type>' 0 9"
        ),
        Row(
            name: "traffic:<type>",
            type: "hash",
            holds: "of each version: sum:<v>:requests, failures, latency_us, last:<v> in ms, mark:… of a step, "
                + "shadow:<v>:requests, compared, difference…, in_flight:<v>@<session>",
            writtenBy: "traffic_report, traffic_counts, model_switch, model_traffic, rollout_step",
            kept: "always",
            command: "HGETALL $P'traffic:<type>'"
        ),
        Row(
            name: "reports",
            type: "hash",
            holds: "by session: number:epoch of its last report of traffic",
            writtenBy: "traffic_report, traffic_counts",
            kept: "with the session",
            command: "HGETALL $P'reports'"
        ),
        Row(
            name: "served-total",
            type: "hash",
            holds: "what callers of all replicas got: requests, failures, retries; number@<session> of its last report",
            writtenBy: "served_report, served_counts",
            kept: "always",
            command: "HGETALL $P'served-total'"
        ),
        Row(
            name: "served:<id>",
            type: "hash",
            holds:
                "of one service: requests, failures, retries, latency_us, within:<ms> of answers, in_flight@<session>",
            writtenBy: "served_report, served_counts, service_remove, services_expire, registry_repair",
            kept: "with the service",
            command: "HGETALL $P'served:<id>'"
        ),
        Row(
            name: "help",
            type: "string",
            holds: "this table",
            writtenBy: "registry_open",
            kept: "always",
            command: "GET $P'help'"
        ),
    ]

    /// The row of a key, by its name without the prefix; nil when no key of ours has such a name.
    public static func row(of name: String) -> Row? {
        self.rows.first { row in
            guard let variable = row.name.firstIndex(of: "<") else { return row.name == name }
            let start = row.name[..<variable]
            return name.hasPrefix(start) && name.count > start.count
        }
    }

    /// For `GET …:help`.
    public static func help(_ keys: Keys) -> String {
        let lines = self.rows.map { row in
            "\(keys.prefix)\(row.name)  (\(row.type), kept \(row.kept))\n    \(row.holds)\n    "
                + "redis-cli \(row.command.replacing("$P'", with: "'\(keys.prefix)"))"
        }
        return
            "Keys of Model Manager, namespace \(keys.namespace). Of all this only recorded:<type> expires by itself.\n\n"
            + lines.joined(separator: "\n")
    }

    /// For `cluster/README.md`.
    public static var markdown: String {
        let head = [
            "| key (after `mm:{NAMESPACE}:`) | type | holds | written by | kept | read it with `redis-cli` |",
            "|---|---|---|---|---|---|",
        ]
        let rows = self.rows.map {
            "| `\($0.name)` | \($0.type) | \($0.holds) | \($0.writtenBy) | \($0.kept) | `\($0.command)` |"
        }
        return (head + rows).joined(separator: "\n")
    }
}
