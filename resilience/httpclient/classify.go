package httpclient

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
)

// RetryableStatus reports whether an answer with this status is worth another attempt of an idempotent request: 408, 425,
// 429 and every 5xx but those that say that the request itself will not do (501, 505, 506, 508, 510, 511). An unknown 5xx
// counts as 500, by RFC 9110 section 15.
func RetryableStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported, http.StatusVariantAlsoNegotiates,
		http.StatusLoopDetected, http.StatusNotExtended, http.StatusNetworkAuthenticationRequired:
		return false
	}
	return status >= 500 && status <= 599
}

// neverSent reports whether a request that failed with err cannot have reached the server: no connection was made.
// Such a request may be repeated whatever its method (RFC 9110 section 9.2.2).
func neverSent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// hopeless reports whether a transport error would come again: the server is not who it should be, or speaks another protocol.
func hopeless(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	return errors.Is(err, http.ErrSchemeMismatch) || errors.Is(err, http.ErrSkipAltProtocol)
}
