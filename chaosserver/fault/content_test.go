package fault

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"io"
	"testing"
	"time"

	"brownout/scenarios"
)

// TestContents: what the record says of a body is what a client reads, coded or not.
func TestContents(t *testing.T) {
	text := scenarios.Template{Text: "call {call}", Parts: []scenarios.Part{{Literal: "call "}, {Var: "call"}}}
	at := &Attempt{Now: time.Unix(0, 0), Var: func(string) string { return "7" }, Bytes: func(size int64) io.Reader {
		return bytes.NewReader(bytes.Repeat([]byte("x"), int(size)))
	}}
	for _, a := range []scenarios.Answer{
		{},
		{Status: 204},
		{Body: scenarios.Body{Kind: scenarios.BodyText, Text: text}},
		{Body: scenarios.Body{Kind: scenarios.BodyText}},
		{Body: scenarios.Body{Kind: scenarios.BodySize, Size: 100_000}},
		{Body: scenarios.Body{Kind: scenarios.BodySize, Size: 100_000}, Framing: scenarios.FramingChunked},
		{Encoding: scenarios.EncodingGzip},
		{Encoding: scenarios.EncodingGzip, Body: scenarios.Body{Kind: scenarios.BodyText, Text: text}},
		{Encoding: scenarios.EncodingGzip, Body: scenarios.Body{Kind: scenarios.BodySize, Size: 100_000}},
	} {
		p := Prepare(&a)
		got := p.Contents(at)
		p.framing = scenarios.FramingLength // what is written is then what a client reads
		var w Written
		p.Write(at, &w)
		sent := w.Body
		if w.Rest != nil {
			sent, _ = io.ReadAll(w.Rest)
		}
		want := []Content{{int64(len(sent)), sha256.Sum256(sent)}}
		if a.Encoding == scenarios.EncodingGzip {
			r, err := gzip.NewReader(bytes.NewReader(sent))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			want = append([]Content{{int64(len(plain)), sha256.Sum256(plain)}}, want...)
		}
		if len(got) != len(want) {
			t.Errorf("%+v: %d contents, want %d", a.Body, len(got), len(want))
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%+v: contents[%d] are %d bytes, want %d", a.Body, i, got[i].Len, want[i].Len)
			}
		}
	}
	cut := Prepare(&scenarios.Answer{Encoding: scenarios.EncodingCutGzip})
	if got := cut.Contents(at); got != nil {
		t.Errorf("a gzip stream that is cut has %d contents", len(got))
	}
	head := *at
	head.Head = true
	if got := Prepare(&scenarios.Answer{}).Contents(&head); len(got) != 1 || got[0].Len != 0 {
		t.Errorf("for HEAD the contents are %+v", got)
	}
}
