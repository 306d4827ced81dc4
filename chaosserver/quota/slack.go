package quota

import "brownout/scenarios"

// slack is Slack's Web API: it tells nothing of what remains; a refusal has Retry-After in whole seconds.
//
// Source: docs.slack.dev, "Rate limits".
var slack = Dialect{
	name:  "slack",
	pause: retryAfterSeconds,
	refusal: func(*scenarios.Limit, int) scenarios.Answer {
		return jsonAnswer("application/json; charset=utf-8", `{"ok":false,"error":"ratelimited"}`+"\n")
	},
}
