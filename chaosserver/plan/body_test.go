package plan

import (
	"bytes"
	"compress/flate"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func read(t interface{ Fatal(...any) }, b Bytes) []byte {
	all, err := io.ReadAll(&b)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBody(t *testing.T) {
	p := New(healthy())
	body := p.Body(0, 1, 1001)
	if err := iotest.TestReader(&body, read(t, p.Body(0, 1, 1001))); err != nil {
		t.Error(err)
	}
	one := read(t, p.Body(0, 1, 1<<16))
	if !bytes.Equal(one, read(t, p.Body(0, 1, 1<<16))) {
		t.Error("two readings of a body differ")
	}
	if !bytes.Equal(one[:100], read(t, p.Body(0, 1, 100))) {
		t.Error("a shorter body is not the start of a longer one")
	}
	for what, other := range map[string]Bytes{"call": p.Body(0, 2, 1<<16), "route": p.Body(-1, 1, 1<<16)} {
		if bytes.Equal(one, read(t, other)) {
			t.Errorf("another %s has the same body", what)
		}
	}
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.BestCompression)
	w.Write(one)
	w.Close()
	if packed.Len() < len(one) {
		t.Errorf("%d seeded bytes compress to %d", len(one), packed.Len())
	}
	if none := p.Body(0, 1, -1); none.Len() != 0 || len(read(t, none)) != 0 {
		t.Error("a body of negative size is not empty")
	}
	if got, want := read(t, p.Body(0, 1, 9)), []byte{0x6b, 0xb7, 0xb4, 0x2b, 0xc6, 0x8b, 0x05, 0x07, 0xd6}; !bytes.Equal(got, want) {
		t.Errorf("the first bytes are %#v, want %#v: a seed keeps its bytes", got, want)
	}
}

// TestBodyInAnyPieces reads in pieces of any size.
func TestBodyInAnyPieces(t *testing.T) {
	p := New(healthy())
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(0, 300).Draw(t, "size")
		want, got := read(t, p.Body(0, 1, size)), []byte{}
		for b := p.Body(0, 1, size); b.Len() > 0; {
			piece := make([]byte, rapid.IntRange(1, 40).Draw(t, "piece"))
			n, err := b.Read(piece)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, piece[:n]...)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("in pieces %x, at once %x", got, want)
		}
	})
}
