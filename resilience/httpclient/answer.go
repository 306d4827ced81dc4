package httpclient

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// bufferAnswer reads the body of an answer to its end, up to limit bytes, so that one that breaks off is a failed attempt
// and not the caller's business. A longer body is handed on: what was read, and then the rest as it comes. So is a
// connection that changed its protocol, and nothing is read of an answer announced to be longer.
func bufferAnswer(resp *http.Response, limit int64) (*http.Response, error) {
	if resp.Body == nil || resp.Body == http.NoBody || resp.ContentLength > limit {
		return resp, nil
	}
	if _, upgraded := resp.Body.(io.Writer); upgraded {
		return resp, nil
	}
	var read bytes.Buffer
	if resp.ContentLength > 0 {
		read.Grow(int(resp.ContentLength) + bytes.MinRead)
	}
	n, err := io.Copy(&read, io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		_ = resp.Body.Close()
		return nil, fmt.Errorf("answer %d broke off after %d bytes: %w", resp.StatusCode, n, err)
	case n > limit:
		resp.Body = &partly{io.MultiReader(&read, resp.Body), resp.Body}
		return resp, nil
	}
	if err := resp.Body.Close(); err != nil {
		return nil, fmt.Errorf("answer %d: %w", resp.StatusCode, err)
	}
	resp.Body = io.NopCloser(&read)
	return resp, nil
}

// partly is a body of which the beginning was read.
type partly struct {
	io.Reader
	io.Closer
}
