package fault

import (
	"fmt"
	"net/http"

	"brownout/scenarios"
)

// prepareStatus makes the status line. A status without a registered phrase has an empty one, which RFC 9112, section
// 4, allows.
func prepareStatus(p *Answer, a *scenarios.Answer) {
	p.status = a.Status
	if p.status == 0 {
		p.status = http.StatusOK
	}
	p.line = fmt.Sprintf("HTTP/1.1 %03d %s\r\n", p.status, http.StatusText(p.status))
}

// hasContent reports whether an answer of that status has a body (RFC 9110, section 6.4.1).
func hasContent(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
