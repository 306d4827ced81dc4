package quota

import "brownout/scenarios"

// stripe is Stripe's API: it tells nothing of what remains, and no pause; Stripe-Rate-Limited-Reason on a refusal says which
// limiter struck.
//
// Source: docs.stripe.com, "Rate limits" and "Error codes".
var stripe = Dialect{
	name: "stripe",
	slot: func(q *Quota, r *Reply) string {
		if q.Limit >= 0 { // the refusal itself has the field
			return "-"
		}
		return ""
	},
	write: func(b []byte, told []Quota, _ *Reply) []byte {
		return field(b, "Stripe-Rate-Limited-Reason", told[0].Name)
	},
	refusal: func(m *scenarios.Limit, _ int) scenarios.Answer {
		a := jsonAnswer(jsonKind, `{"error":{"code":"rate_limit","doc_url":"https://docs.stripe.com/error-codes/rate-limit",`+
			`"message":"Request rate limit exceeded. Learn more about rate limits here https://docs.stripe.com/rate-limits.","type":"invalid_request_error"}}`+"\n")
		a.Headers = append(a.Headers, header("Stripe-Rate-Limited-Reason", limiter(m)))
		return a
	},
}

// limiter is Stripe's name for a limit: of an endpoint where it names a path, else of the account; of concurrency or of rate.
func limiter(m *scenarios.Limit) string {
	where, what := "global", "rate"
	if m.When.Path != nil || len(m.When.Method) > 0 {
		where = "endpoint"
	}
	if m.Concurrency > 0 {
		what = "concurrency"
	}
	if m.By == scenarios.ByVar {
		return "resource-specific"
	}
	return where + "-" + what
}
