package fault

import (
	"bytes"
	"crypto/sha256"
	"io"

	"brownout/scenarios"
)

// Content is a body as a client may take it for the result of its call.
type Content struct {
	Len    int64
	SHA256 [sha256.Size]byte
}

// Contents returns what a client may take for the body of the answer, if it gets all of that: the body, and where it has a
// coding also its coded form, for a client may leave that as it is. Of a gzip stream that is cut there is none. A body that is
// not kept in memory is made for it a second time.
func (a *Answer) Contents(at *Attempt) []Content {
	if !hasContent(a.status) || at.Head {
		return []Content{{SHA256: sha256.Sum256(nil)}}
	}
	switch a.encoding {
	case scenarios.EncodingCutGzip:
		return nil
	case scenarios.EncodingGzip:
		return []Content{contentOf(a.plain(at)), contentOf(a.coded(at))}
	}
	return []Content{contentOf(a.plain(at))}
}

// plain reads the body before its coding.
func (a *Answer) plain(at *Attempt) io.Reader {
	switch {
	case a.body.size > 0:
		return at.Bytes(a.body.size)
	case a.body.text != nil:
		return bytes.NewReader(a.body.text.Append(nil, at.Var))
	case a.body.plain != nil:
		return bytes.NewReader(a.body.plain)
	}
	return bytes.NewReader(a.body.fixed)
}

// coded reads the body in its coding.
func (a *Answer) coded(at *Attempt) io.Reader {
	switch {
	case a.body.size > 0:
		r, _ := encode(a.encoding, at.Bytes(a.body.size), a.body.size)
		return r
	case a.body.text != nil:
		return bytes.NewReader(encodeBytes(nil, a.encoding, a.body.text.Append(nil, at.Var)))
	}
	return bytes.NewReader(a.body.fixed)
}

// contentOf reads a body to its end.
func contentOf(r io.Reader) Content {
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		panic(err) // what is made here has no errors
	}
	c := Content{Len: n}
	h.Sum(c.SHA256[:0])
	return c
}
