package quota

import "brownout/scenarios"

// twilio is Twilio's API: it tells nothing of what remains. A refusal is error 20429, and says that the request was not
// processed; some of its APIs add Retry-After, which a limit of concurrency cannot know.
//
// Source: twilio.com/docs, "Error 20429" and "API rate limits".
var twilio = Dialect{
	name:  "twilio",
	pause: retryAfterSeconds,
	refusal: func(*scenarios.Limit, int) scenarios.Answer {
		return jsonAnswer(jsonKind, `{"code":20429,"message":"Too Many Requests","more_info":"https://www.twilio.com/docs/errors/20429","status":429}`+"\n")
	},
}
