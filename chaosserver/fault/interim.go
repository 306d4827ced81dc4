package fault

import (
	"fmt"
	"net/http"

	"brownout/scenarios"
)

// prepareInterim makes the interim answers, which are sent in one write with the header block (RFC 9110, section 15.2).
func prepareInterim(p *Answer, a *scenarios.Answer) {
	for _, status := range a.Interim {
		p.interim = fmt.Appendf(p.interim, "HTTP/1.1 %03d %s\r\n\r\n", status, http.StatusText(status))
	}
}

// NeedsHTTP11 says what of the answer a client of HTTP/1.0 cannot be sent; "" where nothing is.
func (a *Answer) NeedsHTTP11() string {
	switch {
	case len(a.interim) > 0:
		return "interim"
	case a.framing == scenarios.FramingChunked:
		return "framing: chunked"
	}
	return ""
}
