package quota

import (
	"net/http"

	"brownout/scenarios"
)

// azure is Azure Resource Manager: x-ms-ratelimit-remaining-subscription-reads, -writes or -deletes, by the request's method,
// say what remains, and nothing when there is more. Refusals have Retry-After in whole seconds.
//
// Source: learn.microsoft.com, "Understand how Azure Resource Manager throttles requests".
var azure = Dialect{
	name: "azure",
	write: func(b []byte, told []Quota, r *Reply) []byte {
		q := &told[0]
		what := "subscription-" + operation(r.Method)
		if q.Limit < 0 && q.Name != "" {
			what = q.Name // such as tenant-reads
		}
		return numberField(b, "x-ms-ratelimit-remaining-"+what, q.Remaining)
	},
	pause: retryAfterSeconds,
	refusal: func(*scenarios.Limit, int) scenarios.Answer {
		return jsonAnswer("application/json; charset=utf-8",
			`{"error":{"code":"SubscriptionRequestsThrottled","message":"Number of requests for the subscription exceeded its limit. Please try again after '`,
			varWholeSeconds, `' seconds."}}`+"\n")
	},
}

// operation is what Resource Manager counts a method as.
func operation(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return "reads"
	case http.MethodDelete:
		return "deletes"
	}
	return "writes"
}
