package resilience

import "time"

// AWSRetry returns the settings of the AWS SDKs' retry behaviour of 2026 (opt-in AWS_NEW_RETRIES_2026; botocore
// retries/standard.py): 3 attempts, full jitter under min(20 s, base·2^n), base 50 ms for transient errors and 1 s for throttling. Its
// retry quota is [AWSBudget].
func AWSRetry() RetrySettings {
	return RetrySettings{
		MaxAttempts:     3,
		Backoff:         newExponential(BackoffSettings{Base: 50 * time.Millisecond, Max: 20 * time.Second}),
		ThrottleBackoff: newExponential(BackoffSettings{Base: time.Second, Max: 20 * time.Second}),
	}
}

// GRPCRetry returns the settings of the example in gRPC's proposal A6: 4 attempts (5 is its hard limit), 100 ms doubling to
// 1 s, plus or minus 20 %, and the server's pushback taken exactly. Its throttling is [GRPCBudget].
func GRPCRetry() RetrySettings {
	return RetrySettings{
		MaxAttempts:    4,
		Backoff:        newExponential(BackoffSettings{Base: 100 * time.Millisecond, Max: time.Second, Jitter: JitterSpread}),
		PushbackJitter: -1,
	}
}

// SRERetry returns what the SRE book asks for: 3 attempts (ch. 21, Handling Overload) and randomized exponential backoff (ch. 22,
// Addressing Cascading Failures). The book gives no times; these are the defaults. Its budget is [SREBudget].
func SRERetry() RetrySettings {
	return RetrySettings{MaxAttempts: 3, Backoff: newExponential(BackoffSettings{})}
}
