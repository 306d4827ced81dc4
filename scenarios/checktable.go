package scenarios

import (
	"time"

	"gopkg.in/yaml.v3"
)

// Samples of the statistics, from RULES "Statistical tests".
const (
	sampleMean          = 20  // waits for the mean of a gap
	sampleJitter        = 20  // calls for JIT
	sampleGrowth        = 20  // calls for GROW3; GROW2, with only two gaps, needs 30
	sampleAmplification = 500 // calls for BUDGET
	sampleHerd          = 50  // calls for HERD
	sampleDistinct      = 2   // calls for keys to differ
	sampleReturn        = 200 // calls for a retry to be seen again
	sampleClients       = 10  // waits for two clients to differ: five of each
	sampleOpen          = 10  // calls that find a circuit open
	sampleClosed        = 100 // calls for a circuit to stay closed: as many as the larger windows of breakers hold
	sampleRefused       = 20  // refused calls for a percentile of 95
	sampleRecovered     = 50  // calls for a circuit to be closed again
)

// What samples count.
const (
	ofCalls = "calls"
	ofWaits = "waits"
)

// checkTable is the grammar of checks, in the order of its documentation.
func checkTable() []*Check {
	return []*Check{
		check(Check{Name: "succeeds", Identity: true, Rules: []string{"RETRY-001", "CB-004", "RL-002", "RL-003", "TIME-007"},
			Doc: "The last attempt of so many calls got a whole 2xx."}, succeedsRow),
		check(Check{Name: "attempts", Identity: true, Rules: []string{"RETRY-001", "RETRY-006", "RETRY-007", "TIME-007"},
			Doc: "Each call has so many attempts."},
			countRow("per_call", 1, "Exactly so many.", func(a *Attempts) **Count { return &a.PerCall }),
			countRow("min", 1, "At least so many.", func(a *Attempts) **Count { return &a.Min }),
			countRow("max", 1, "At most so many.", func(a *Attempts) **Count { return &a.Max })),
		check(Check{Name: "retries_on", Identity: true, Rules: []string{"RETRY-002"},
			Doc: "Just these statuses are retried."}, retriesOnRow),
		check(Check{Name: "never_retries", Identity: true, Rules: []string{"RETRY-005"},
			Doc: "No attempt follows an answer of these statuses."},
			key(Key{Name: "status", Default: "the definitive ones", Doc: "The statuses that end a call."},
				oneOrList("statuses", status), nil, func(n *NeverRetries) *[]int { return &n.Status })),
		check[*NoUnsafeRetry](Check{Name: "no_unsafe_retry", Identity: true, Rules: []string{"RETRY-003", "CONN-001"},
			Doc: "An unsafe request whose outcome is unknown has one attempt only, unless it has a steady key."}),
		check[*SameRequest](Check{Name: "same_request", Identity: true, Rules: []string{"RETRY-009", "IDEM-006"},
			Doc: "Method, target, body digest and content headers of a call's attempts are equal."}),
		check(Check{Name: "same_as", Identity: true, Rules: []string{"RETRY-006", "RA-005", "RL-002"},
			Doc: "The calls of a case behave as those of the control case do."},
			key(Key{Name: "control", Required: true, Type: Type{Name: "name of a case", Example: "gateway"}, Doc: "The case that the others are compared with."},
				name, "", func(s *SameAs) *string { return &s.Control }),
			key(Key{Name: "compare", Default: "[attempts, outcome]", Type: Type{Name: "word, or a list of words", Example: "gaps", Words: []string{"attempts", "outcome", "gaps", "pace"}}, Doc: "What is compared: attempts of a call, its outcome, the gaps between them, the pace of all."},
				oneOrList("words", word("attempts", "outcome", "gaps", "pace")), nil, func(s *SameAs) *[]string { return &s.Compare }),
			key(Key{Name: "within", Default: "20%", Doc: "By how much they may differ."},
				share, 0.2, func(s *SameAs) *Share { return &s.Within })),
		check[*StopsAfterSuccess](Check{Name: "stops_after_success", Identity: true, Rules: []string{"RETRY-012"},
			Doc: "No attempt of a call follows a whole 2xx, and those that are then under way are given up."}),
		check(Check{Name: "in_flight", Rules: []string{"TIME-005"}, Doc: "At most so many attempts are under way at one instant."},
			countRow("per_call", 1, "Of one call; declared: the profile's hedge_max.", func(f *InFlight) **Count { return &f.PerCall }),
			countRow("total", 1, "Of all calls together; declared: the profile's client_concurrency.", func(f *InFlight) **Count { return &f.Total })),
		check(Check{Name: "amplification", Identity: true, Sample: sampleAmplification, SampleOf: ofCalls, Rules: []string{"RETRY-011"},
			Doc: "There are at most so many attempts for each call, after a share of the phase."},
			key(Key{Name: "max", Default: "1.3x", Doc: "Attempts for each call."}, factor, 1.3, func(a *Amplification) *float64 { return &a.Max }),
			key(Key{Name: "after", Default: "50%", Doc: "The share of the phase, or of the run, that is not judged."},
				share, 0.5, func(a *Amplification) *Share { return &a.After })),
		check(Check{Name: "retries_return", Identity: true, Sample: sampleReturn, SampleOf: ofCalls, Rules: []string{"RETRY-011"},
			Doc: "Failed attempts are tried again, as behind an outage in which a budget ran out."},
			key(Key{Name: "min", Default: "1", Doc: "So many retries at least."}, count(1), 1, func(r *RetriesReturn) *int { return &r.Min })),
		check(Check{Name: "no_hot_loop", Identity: true, Sample: sampleMean, SampleOf: ofWaits, Rules: []string{"BACKOFF-001", "BACKOFF-007", "RA-004", "IDEM-006"},
			Doc: "The mean over the calls of each gap from the second on is long enough."},
			key(Key{Name: "mean", Default: "10ms; after 429 100ms", Doc: "The least mean."}, anyDuration, nil,
				func(n *NoHotLoop) **time.Duration { return &n.Mean })),
		check[*BackoffGrows](Check{Name: "backoff_grows", Identity: true, Sample: sampleGrowth, SampleOf: ofCalls, Rules: []string{"BACKOFF-002"},
			Doc: "Delays grow with the attempt's number, in the mean over the calls."}),
		check[*BackoffJitters](Check{Name: "backoff_jitters", Identity: true, Sample: sampleJitter, SampleOf: ofCalls, Rules: []string{"BACKOFF-004"},
			Doc: "Delays are randomised from call to call."}),
		check(Check{Name: "spreads_out", Identity: true, Sample: sampleHerd, SampleOf: ofCalls, Rules: []string{"BACKOFF-005"},
			Doc: "Calls that a hold released at one instant do not come back together."},
			durationRow(Key{Name: "window", Doc: "How long a stretch is looked at."}, 100*time.Millisecond, func(s *SpreadsOut) *time.Duration { return &s.Window }),
			key(Key{Name: "max", Default: "90%", Doc: "The share of first retries that one window may hold."},
				share, 0.9, func(s *SpreadsOut) *Share { return &s.Max })),
		check(Check{Name: "clients_differ", Identity: true, Sample: sampleClients, SampleOf: ofWaits, Rules: []string{"BACKOFF-005"},
			Doc: "Two clients that meet the same failures do not wait alike."},
			durationRow(Key{Name: "by", Doc: "One of five waits differs by more than this."}, 20*time.Millisecond, func(c *ClientsDiffer) *time.Duration { return &c.By })),
		check(Check{Name: "honours_retry_after", Identity: true, Rules: []string{"RA-001", "RA-002", "RA-003", "RA-006"},
			Doc: "No attempt comes before it was due."},
			durationRow(Key{Name: "tolerance", Doc: "So much earlier passes, for early timers."}, 25*time.Millisecond, func(h *HonoursRetryAfter) *time.Duration { return &h.Tolerance }),
			key(Key{Name: "late", Doc: "At most so long after it was due; none: not judged."}, anyDuration, nil,
				func(h *HonoursRetryAfter) **time.Duration { return &h.Late })),
		check(Check{Name: "waits", Identity: true, Rules: []string{"RL-006"}, Doc: "The gap after a failure is long enough."},
			durationRow(Key{Name: "at_least", Required: true, Type: Type{Name: "duration", Example: "1s"}, Doc: "The shortest gap."}, 0, func(w *Waits) *time.Duration { return &w.AtLeast }),
			key(Key{Name: "after", Default: "any failure", Doc: "Only after these statuses."}, oneOrList("statuses", status), nil,
				func(w *Waits) *[]int { return &w.After })),
		check(Check{Name: "pauses_others", Identity: true, Rules: []string{"RA-009", "RL-009"}, Doc: "While one call was told to wait, other calls rest as well."},
			key(Key{Name: "scope", Default: "declared", Type: Type{Name: "word", Words: []string{"origin", "path", "declared"}}, Doc: "Which others: all to the server, or those to the same path."},
				pauseScope, "", func(p *PausesOthers) *string { return &p.Scope })),
		check(Check{Name: "within_quota", Rules: []string{"RL-001", "RL-003", "RL-005"}, Doc: "Nothing is sent while the client knows that nothing remains, but what was under way."},
			key(Key{Name: "late", Default: "none", Doc: "The first attempt comes at most so much of the wait after there is more; none: not judged."}, optional(share), nil,
				func(w *WithinQuota) **Share { return &w.Late })),
		check(Check{Name: "limits_itself", Rules: []string{"RL-008"}, Doc: "The attempts of a client, retries too, keep to its own limits."},
			limitsRateRow,
			countRow("burst", 1, "Attempts at once; where nothing declares it, one.", func(p *LimitsItself) **Count { return &p.Burst }),
			countRow("concurrency", 1, "Attempts under way.", func(p *LimitsItself) **Count { return &p.Concurrency })),
		check[*KeyFromFirstAttempt](Check{Name: "key_from_first_attempt", Identity: true, ByKey: true, Rules: []string{"IDEM-001"},
			Doc: "A retried call had its idempotency key at once."}),
		check[*SameIdempotencyKey](Check{Name: "same_idempotency_key", Identity: true, ByKey: true, Rules: []string{"IDEM-002", "IDEM-006"},
			Doc: "All attempts of a call carry one idempotency key."}),
		check[*DistinctIdempotencyKeys](Check{Name: "distinct_idempotency_keys", Identity: true, Sample: sampleDistinct, SampleOf: ofCalls, ByKey: true, Rules: []string{"IDEM-003"},
			Doc: "No idempotency key is in two calls, nor with two bodies."}),
		check(Check{Name: "not_resent_unchanged", Identity: true, Rules: []string{"IDEM-007"},
			Doc: "What was refused for its key, or for want of one, is not sent again with equal key and body."},
			key(Key{Name: "status", Default: "[400, 422]", Doc: "The statuses that refuse."},
				oneOrList("statuses", status), nil, func(n *NotResentUnchanged) *[]int { return &n.Status })),
		check(Check{Name: "effects", Rules: []string{"IDEM-008", "DELIV-001", "DELIV-002", "DELIV-005", "DELIV-006"},
			Doc: "The ledger holds so many effects."},
			key(Key{Name: "per_call", Doc: "Of each call."}, optional(boundsCodec), nil, func(e *Effects) **Bounds { return &e.PerCall }),
			key(Key{Name: "per_event", Doc: "Of each webhook event that had a good delivery."}, optional(boundsCodec), nil, func(e *Effects) **Bounds { return &e.PerEvent }),
			key(Key{Name: "total", Doc: "In all."}, optional(boundsCodec), nil, func(e *Effects) **Bounds { return &e.Total })),
		check[*Truthful](Check{Name: "truthful", Identity: true, Rules: []string{"IDEM-008"},
			Doc: "The client says that a call went well exactly where it had an effect."}),
		check[*RightResult](Check{Name: "right_result", Identity: true, Results: true, Rules: []string{"CONN-003", "CONN-004", "IDEM-006", "IDEM-008"},
			Doc: "What the client takes for a result is a body that was sent whole for its call."}),
		check(Check{Name: "connections", Rules: []string{"CONN-006", "BACKOFF-007"}, Doc: "There are at most so many connections."},
			countRow("max", 1, "Distinct ones.", func(c *Connections) **Count { return &c.Max }),
			countRow("open", 1, "Open at once.", func(c *Connections) **Count { return &c.Open }),
			countRow("per_call", 1, "Distinct ones of a call.", func(c *Connections) **Count { return &c.PerCall }),
			countRow("after_stop", 0, "Left open when the client has ended.", func(c *Connections) **Count { return &c.AfterStop })),
		check[*LeavesConnection](Check{Name: "leaves_connection", Rules: []string{"CONN-001", "CONN-002", "CONN-004"},
			Doc: "Nothing is sent on a connection that was said to end, or was ended, or brought stray bytes."}),
		check(Check{Name: "keeps_deadline", Identity: true, Rules: []string{"TIME-003"}, Doc: "No attempt of a call starts after its deadline."},
			key(Key{Name: "of", Default: "the step's deadline, else the declared one", Doc: "How long a call may take, from its first attempt."}, declaredOr(anyDuration), nil,
				func(k *KeepsDeadline) **time.Duration { return &k.Of })),
		check(Check{Name: "ends", Results: true, Rules: []string{"RA-006", "TIME-003", "RL-008"}, Doc: "Each call has its result, and in time."},
			key(Key{Name: "within", Default: "the step's deadline, else the declared one, else any time", Doc: "How long a call may take."}, anyDuration, nil,
				func(e *Ends) **time.Duration { return &e.Within })),
		check(Check{Name: "stops_when_cancelled", Results: true, Rules: []string{"TIME-004"},
			Doc: "A cancelled call sends nothing any more, and gives up what is under way."},
			durationRow(Key{Name: "within", Doc: "How long after it was cancelled."}, 500*time.Millisecond, func(s *StopsWhenCancelled) *time.Duration { return &s.Within })),
		check(Check{Name: "opens_circuit", Identity: true, Results: true, Sample: sampleOpen, SampleOf: ofCalls, Rules: []string{"CB-001"},
			Doc: "Failures in a row make the client refuse calls itself, and leave the upstream alone."},
			key(Key{Name: "after", Default: "declared", Doc: "After so many failures in a row, and what is under way then."},
				countOrDeclared(1), nil, func(o *OpensCircuit) **Count { return &o.After }),
			key(Key{Name: "for", Default: "80%", Doc: "The share of the declared open_time that the upstream is left alone."},
				share, 0.8, func(o *OpensCircuit) *Share { return &o.For })),
		check[*CircuitStaysClosed](Check{Name: "circuit_stays_closed", Identity: true, Results: true, Sample: sampleClosed, SampleOf: ofCalls, Rules: []string{"CB-005"},
			Doc: "Every call reaches the wire."}),
		check(Check{Name: "fails_fast", Identity: true, Results: true, Sample: sampleRefused, SampleOf: ofCalls, Rules: []string{"CB-002"},
			Doc: "Calls that the client refuses itself are refused at once, without a connection."},
			durationRow(Key{Name: "within", Doc: "So soon, of 95 in 100."}, 50*time.Millisecond, func(f *FailsFast) *time.Duration { return &f.Within })),
		check(Check{Name: "half_open_probes", Identity: true, Results: true, Rules: []string{"CB-003"},
			Doc: "A half-open circuit lets so many calls through at once, and none for 80% of open_time after they have failed."},
			key(Key{Name: "max", Default: "declared, else 1", Doc: "Calls at once."},
				countOrDeclared(1), nil, func(h *HalfOpenProbes) **Count { return &h.Max })),
		check(Check{Name: "closes_circuit", Identity: true, Results: true, Sample: sampleRecovered, SampleOf: ofCalls, Rules: []string{"CB-004"},
			Doc: "Calls reach the wire again once the upstream is well: from the beginning of the phase, else from the last failure on."},
			key(Key{Name: "within", Default: "1 open_time", Doc: "How soon; ten calls more do not count."}, anyDuration, nil, func(c *ClosesCircuit) **time.Duration { return &c.Within }),
			key(Key{Name: "share", Default: "95%", Doc: "Of the calls."}, share, 0.95, func(c *ClosesCircuit) *Share { return &c.Share })),
		check(Check{Name: "attempt_ends", Rules: []string{"TIME-001", "TIME-002"}, Doc: "The client gives up each attempt that is not answered."},
			key(Key{Name: "within", Default: "the declared attempt_timeout, else 60s", Doc: "How long it may take, from its first byte."}, anyDuration, nil,
				func(a *AttemptEnds) **time.Duration { return &a.Within })),
		check(Check{Name: "acknowledges", Rules: []string{"DELIV-001", "DELIV-002", "DELIV-003", "DELIV-004", "DELIV-005", "DELIV-006", "DELIV-009", "DELIV-010", "DELIV-011", "DELIV-012"},
			Doc: "The consumer answers each good delivery with success in time; where it is sent again, the last one."},
			key(Key{Name: "within", Default: "the sender's timeout", Doc: "How long it may take, from the last byte of the delivery; 500ms about it are not judged."}, optional(positiveDuration), nil,
				func(a *Acknowledges) **time.Duration { return &a.Within }),
			key(Key{Name: "status", Default: "2xx", Doc: "What it answers; non-2xx: that it refuses them, so that they are sent again."},
				enum[Acknowledgement]([]string{"2xx", "non-2xx"}), AckSuccess, func(a *Acknowledges) *Acknowledgement { return &a.Status }),
			key(Key{Name: "nth", Doc: "Only these deliveries of each event."}, optional(ordinals), nil, func(a *Acknowledges) **Range { return &a.Nth }),
			key(Key{Name: "at_least", Default: "all", Type: atLeast.kind, Doc: "Of each event's deliveries."}, atLeast, 0, func(a *Acknowledges) *int { return &a.AtLeast })),
		check(Check{Name: "refuses", Rules: []string{"DELIV-008", "DELIV-010"},
			Doc: "The consumer refuses each bad delivery, and it has no effect."},
			key(Key{Name: "status", Default: "any 4xx", Type: Type{Name: "status, or a list of statuses", Example: "401", Words: []string{"4xx"}}, Doc: "What it answers."},
				refusals, nil, func(r *Refuses) *[]int { return &r.Status })),
		check(Check{Name: "final_effect", Rules: []string{"DELIV-003"},
			Doc: "The last effect on an object has this in its body, in whatever order the events came."},
			key(Key{Name: "object", Required: true, Type: Type{Name: "text", Example: "order_1"}, Doc: "The object, as the last segment of the path of its effects."},
				name, "", func(f *FinalEffect) *string { return &f.Object }),
			key(Key{Name: "json", Required: true, Type: Type{Name: "JSON value", Example: "{status: shipped}"}, Doc: "What the body holds; members that are not named may be anything."},
				constantJSON, Template{}, func(f *FinalEffect) *Template { return &f.JSON })),
	}
}

var succeedsRow = func() *row[*Succeeds] {
	t := Type{Name: "share", Example: "99%", Words: []string{"all", "none"}}
	return &row[*Succeeds]{
		Key:   Key{Name: "share", Type: t, Default: "all", Doc: "Of the calls."},
		reset: func(s *Succeeds) { *s = Succeeds{Share: 1} },
		read: func(l *loader, e entry, s *Succeeds) {
			l.spots[&s.Share] = e
			text, ok := l.scalar(e.value, t)
			switch {
			case !ok:
			case text == "all":
				*s = Succeeds{Share: 1}
			case text == "none":
				*s = Succeeds{None: true}
			case Suggest(text, t.Words) != "":
				l.fail(e.value, "expected a share, got "+quote(text), "did you mean "+quote(Suggest(text, t.Words))+"?")
			default:
				set(l, e.value, &s.Share, text, parseShare)
			}
		},
		write: func(_ *printer, s *Succeeds) (tree, bool) {
			if s.None {
				return leaf("none"), true
			}
			return leaf(showShare(s.Share)), s.Share != 1
		},
	}
}()

var retriesOnRow = func() *row[*RetriesOn] {
	t := Type{Name: "list of statuses", Example: "[429, 503]", Words: []string{"declared"}}
	list := oneOrList("statuses", status)
	return &row[*RetriesOn]{
		Key:   Key{Name: "exactly", Type: t, Default: "declared", Doc: "The statuses."},
		reset: func(r *RetriesOn) { *r = RetriesOn{Declared: true} },
		read: func(l *loader, e entry, r *RetriesOn) {
			l.spots[&r.Exactly] = e
			if v := follow(e.value); v.Kind == yaml.ScalarNode && v.Value == "declared" {
				return
			}
			r.Declared = false
			list.read(l, e.value, &r.Exactly)
		},
		write: func(p *printer, r *RetriesOn) (tree, bool) {
			if r.Declared {
				return tree{}, false
			}
			return list.write(p, r.Exactly), true
		},
	}
}()
