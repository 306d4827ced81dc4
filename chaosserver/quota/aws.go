package quota

import (
	"strconv"
	"time"

	"brownout/scenarios"
)

// aws is how services of AWS throttle: a 503 SlowDown, as S3 has it, with x-amz-retry-after in milliseconds. Clients of AWS
// clamp what they read there to their own delay and five seconds more, so that nobody is held to it.
//
// Source: docs.aws.amazon.com, "Error responses" of Amazon S3, and the retry behaviour of the AWS SDKs.
var aws = Dialect{
	name: "aws",
	pause: func(b []byte, in time.Duration, _ *Quota) ([]byte, Pause) {
		p := Pause{Field: "x-amz-retry-after: " + strconv.FormatInt(up(in, time.Millisecond), 10)}
		return append(append(b, p.Field...), "\r\n"...), p
	},
	refusal: func(*scenarios.Limit, int) scenarios.Answer {
		return jsonAnswer("application/xml", `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
			`<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`+"\n")
	},
}
