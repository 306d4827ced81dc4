package report

// advice says how a client meets each check: what to do, not how one library calls it.
var advice = map[string][]string{
	"succeeds": {
		"Retry what is transient (connection errors before an answer, 429, 502, 503, 504), and nothing else.",
		"Give the call enough attempts, and enough time, to outlast the failure that the scenario plays.",
	},
	"attempts": {
		"Bound the attempts of a call; three to five are usual.",
		"Retry in one layer only: two layers with three attempts each make nine.",
	},
	"retries_on": {
		"Take the statuses that are retried from one list, and let it be the list that the profile declares.",
	},
	"never_retries": {
		"Take a definitive answer (400, 401, 403, 404, 405, 406, 410, 411, 415, 422, 451) for the end of the call: the same request gets it again.",
		"Give the status to the caller, with its body.",
	},
	"no_unsafe_retry": {
		"Do not send a POST or a PATCH again when nothing says whether the first one was carried out.",
		"Or give the call an idempotency key, the same for all of its attempts.",
		"Mind the transport: some retry on their own what failed on a connection that was used before.",
	},
	"same_request": {
		"Build the request once, and send the same bytes on each attempt.",
		"A body that can be read once only has to be kept, or the call not retried.",
	},
	"stops_after_success": {
		"Take the first success for the end of the call, and cancel what else is under way for it.",
		"Cancel an attempt that has timed out before the next one is sent, so that its late answer finds nobody.",
	},
	"in_flight": {
		"End an attempt that has timed out, by its context or by closing its connection, before the next one is sent.",
		"Bound what is under way in all by a semaphore that retries pass too.",
	},
	"retries_return": {
		"Let each call, or each success, put a little back into the budget of retries, so that it is there again after an outage.",
	},
	"clients_differ": {
		"Seed the generator of the jitter from the system's randomness in each process, never with a constant.",
	},
	"keeps_deadline": {
		"Give the call one deadline that spans all of its attempts and the waits between them.",
		"Before each wait look at what is left of it: where the next attempt would come too late, give up at once.",
	},
	"ends": {
		"Give each call a deadline that spans its attempts and waits, and return when it is over.",
		"Where the server asks for a longer wait than is left, or than you would ever wait, give up at once and tell the caller how long.",
	},
	"stops_when_cancelled": {
		"Let every wait end with its context, and every attempt be given up with it.",
	},
	"opens_circuit": {
		"Count answers of 5xx and attempts that time out as failures, not only errors of the connection.",
		"Keep one breaker for each upstream, shared by all calls to it.",
		"Let attempts pass the breaker, and give up the retry of a call that it refuses.",
	},
	"circuit_stays_closed": {
		"Do not count client errors as failures: 400, 401, 403, 404 and 422 say that the upstream works.",
	},
	"fails_fast": {
		"Refuse a call before anything is done for it: before it waits in a queue, takes a connection or backs off.",
		"Take the breaker's refusal for final, and do not retry it.",
	},
	"half_open_probes": {
		"Let one call through when the open time is over, and refuse the others until it has come back.",
		"Begin the whole open time anew when the probe fails.",
	},
	"closes_circuit": {
		"Let a probe's success close the circuit, and give a probe that never ends a limit of time.",
	},
	"amplification": {
		"Give the client a budget of retries, such as one retry for every ten calls, shared by all of its calls.",
		"When the budget is used up, fail at once instead of retrying.",
	},
	"no_hot_loop": {
		"Wait before each retry, and longer before each further one.",
		"After a 429, wait a second at the least where no Retry-After says how long.",
	},
	"backoff_grows": {
		"Let the wait grow with the attempt's number: base, twice that, four times that, up to a cap.",
	},
	"backoff_jitters": {
		"Draw each wait at random, such as evenly between nothing and the exponential bound (full jitter).",
		"Seed the generator differently in each process.",
	},
	"leaves_connection": {
		"Close a connection once an answer has said Connection: close, and once it has brought a FIN or bytes that nobody asked for.",
		"Look at a pooled connection before you send on it.",
	},
	"attempt_ends": {
		"Give each attempt a timeout that spans connecting, the header block and the whole body.",
		"A timeout that each byte begins anew does not end a body that comes byte by byte.",
	},
	"same_as": {
		"Treat what you do not know as what it is like: a status as x00 of its class, a header that cannot be read as none.",
	},
	"spreads_out": {
		"Draw each wait at random, by each call for itself: clients that failed together must not come back together.",
		"Do not round waits to whole seconds, nor wait for a tick that all clients share.",
	},
	"honours_retry_after": {
		"Read Retry-After on 429 and 503, in seconds and in the three forms of an HTTP date.",
		"Do not send the next attempt before it is due; where that is later than the call can wait, give up at once.",
		"Count a date from the answer's own Date, since clocks differ.",
		"What is no valid Retry-After is left out of account: back off as usual.",
	},
	"waits": {
		"Wait at least as long as stated before the next attempt.",
	},
	"key_from_first_attempt": {
		"Make the idempotency key before the first attempt: the first may be the one that is carried out.",
	},
	"same_idempotency_key": {
		"Make the idempotency key once for each call, outside of what is retried.",
	},
	"distinct_idempotency_keys": {
		"Make a new idempotency key for each call, from 128 random bits or more.",
		"Never send one key with two contents.",
	},
	"not_resent_unchanged": {
		"Take 400 and 422 for the end of the call: the same key and body get the same answer.",
		"A 422 says that the key was used for something else: look for the place where keys are made once too often, or not often enough.",
	},
	"effects": {
		"Send each attempt of a call with the one idempotency key of the call, so that the server can tell a repeat from a second order.",
		"Where a server knows no keys, do not repeat what it may have carried out: ask it first what became of it.",
		"A consumer of webhooks claims the event's id and does the work in one step, and lets go of the claim where the work fails.",
	},
	"truthful": {
		"Report success only for an answer that came whole, and failure only where nothing can have happened.",
		"Where an answer was lost, find out: repeat with the same key, or read what the server has.",
	},
	"right_result": {
		"Check that a body came to its end: all of Content-Length, the last chunk, the end of the gzip stream.",
		"Throw away what came of an attempt that failed, before the next one is read.",
		"Never read an answer from a connection that still owes one to somebody else.",
	},
	"pauses_others": {
		"Let a Retry-After hold back every call to the server that gave it, not only the one that got it.",
		"Where the server counts by route or bucket, hold back those of the same bucket, and all only when it says that the limit is global.",
	},
	"within_quota": {
		"Read the fields that tell what remains, and send nothing while that is 0, until the reset.",
		"Mind the unit of the reset: seconds from now, seconds since 1970, a duration or a date, by vendor.",
		"Share what one answer told with all calls that count against the same quota.",
	},
	"limits_itself": {
		"Put retries through the same limiter as first attempts.",
		"Take a token right before the attempt is sent, so that what waits for something else holds none.",
	},
	"connections": {
		"Read each answer to its end and close it, or the connection cannot be used again.",
		"Share one client with its pool; do not make one for each call.",
	},
	"acknowledges": {
		"Verify, write the event down where it survives a crash, and answer 2xx; do the work behind that.",
		"Where it could not be written down answer 503, so that it is delivered again; never 2xx first and the work later in memory alone.",
		"Acknowledge duplicates and events of types that you do not know: a refusal has them sent again, for days.",
	},
	"refuses": {
		"Verify the signature over the raw bytes of the body, before anything is parsed, and compare in constant time.",
		"Refuse timestamps more than five minutes off, either way; answer 400, 401 or 403, for a 5xx has it sent again.",
	},
	"final_effect": {
		"Senders keep no order: compare the event's own time or version with what is stored, and leave out what is older.",
		"Or fetch the object from the sender when any event of it comes.",
	},
}
