package proxy

import (
	"net"
	"net/url"
	"strings"
)

// appendLocation appends a Location as the client gets it. One that points to the upstream, below its own path, points to
// the proxy; one of the path alone gets the prefix. What points elsewhere stays as it is.
func (u *Upstream) appendLocation(b, value []byte, to *Outward) []byte {
	text := string(value)
	path, absolute := u.within(text)
	if path == "" {
		return append(b, value...)
	}
	if absolute && to.Host != "" {
		b = append(b, "http"...)
		if to.Secure {
			b = append(b, 's')
		}
		b = append(append(b, "://"...), to.Host...)
	}
	return append(append(b, to.Prefix...), path...)
}

// within returns the path, query and fragment below the upstream's own path of what a Location points to, and whether it
// names the host; "" where it points elsewhere, or is relative to the request's own path.
func (u *Upstream) within(location string) (path string, absolute bool) {
	rest := location
	switch at, err := url.Parse(location); {
	case err != nil:
		return "", false
	case at.Host != "":
		scheme := at.Scheme
		if scheme == "" {
			scheme = u.scheme
		}
		if at.User != nil || scheme != u.scheme || !u.isHost(at) {
			return "", false
		}
		absolute = true
		_, rest, _ = strings.Cut(location, "//")
		i := strings.IndexAny(rest, "/?#")
		if i < 0 {
			i = len(rest)
		}
		if rest = rest[i:]; !strings.HasPrefix(rest, "/") {
			rest = "/" + rest
		}
	case at.Scheme != "" || !strings.HasPrefix(location, "/"):
		return "", false
	}
	below, ok := strings.CutPrefix(rest, u.base)
	switch {
	case !ok:
		return "", false
	case below == "" || below[0] == '?' || below[0] == '#':
		return "/" + below, absolute
	case below[0] != '/':
		return "", false
	}
	return below, absolute
}

// isHost reports whether a URL names the upstream's own host and port.
func (u *Upstream) isHost(at *url.URL) bool {
	host, port, err := net.SplitHostPort(address(&url.URL{Scheme: u.scheme, Host: at.Host}))
	ourHost, ourPort, ourErr := net.SplitHostPort(u.address)
	return err == nil && ourErr == nil && port == ourPort && strings.EqualFold(host, ourHost)
}
