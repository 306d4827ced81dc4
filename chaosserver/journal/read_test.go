package journal

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func readGolden(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "golden.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestReadCutAnywhere cuts the file behind each of its bytes, as a kill may, and one that fills the disk.
func TestReadCutAnywhere(t *testing.T) {
	whole := readGolden(t)
	header := bytes.IndexByte(whole, '\n')
	var wants []*Log // by the number of whole lines
	for n := range bytes.SplitAfter(whole, []byte("\n")) {
		events := bytes.SplitAfterN(whole, []byte("\n"), n+1)
		want, _ := Read(bytes.NewReader(bytes.Join(events[:n], nil)))
		wants = append(wants, want)
	}
	for n := range whole {
		l, err := Read(bytes.NewReader(whole[:n]))
		if n < header {
			if err == nil {
				t.Fatalf("cut at byte %d, within the header: no error", n)
			}
			continue
		}
		if err != nil {
			t.Fatalf("cut at byte %d: %v", n, err)
		}
		lines := bytes.Count(whole[:n], []byte("\n"))
		atEnd := whole[n] == '\n' || whole[n-1] == '\n'
		if l.Torn == atEnd {
			t.Fatalf("cut at byte %d, behind line %d: Torn = %v", n, lines, l.Torn)
		}
		if whole[n] == '\n' {
			lines++ // a line that lacks nothing but its end is whole
		}
		want := wants[lines]
		if want.Torn = l.Torn; !reflect.DeepEqual(l, want) {
			t.Fatalf("cut at byte %d: got\n%+v\nwant its %d whole lines\n%+v", n, l, lines, want)
		}
	}
}

func TestReadInSmallPieces(t *testing.T) {
	whole := readGolden(t)
	want, err := Read(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]io.Reader{
		"a byte at a time": iotest.OneByteReader(bytes.NewReader(whole)),
		"data with EOF":    iotest.DataErrReader(bytes.NewReader(whole)),
		"CRLF":             bytes.NewReader(bytes.ReplaceAll(whole, []byte("\n"), []byte("\r\n"))),
		"empty lines":      bytes.NewReader(bytes.ReplaceAll(whole, []byte("\n"), []byte("\n\n"))),
		"spaces":           bytes.NewReader(bytes.ReplaceAll(whole, []byte(`,"`), []byte(` , "`))),
	} {
		if got, err := Read(r); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v", name, err, got, want)
		}
	}
}

func TestReadALineLongerThanABlock(t *testing.T) {
	want := &Log{Header: Header{Version: 1}, Attempts: []Attempt{{Seq: 1, Entry: -1, Body: bytes.Repeat([]byte("x\n"), 3<<20)}, {Seq: 2, Entry: -1}}}
	var file bytes.Buffer
	if err := want.Write(&file); err != nil {
		t.Fatal(err)
	}
	got, err := Read(&file)
	if err != nil || !reflect.DeepEqual(got.Attempts, want.Attempts) {
		t.Errorf("a body of 6 MiB does not come back: %v", err)
	}
}

func TestReadErrors(t *testing.T) {
	const header = `{"event":"header","version":1}` + "\n"
	const attempt = `{"event":"attempt","seq":1}` + "\n"
	for _, s := range []struct{ name, file, want string }{
		{"nothing", "", "no whole line, so not even the header of a journal"},
		{"a torn header", `{"event":"header","ver`, "no whole line, so not even the header of a journal"},
		{"no header", attempt, `line 1: the first line of a journal is its header: {"event":"header", ...}`},
		{"a second header", header + header, "line 2: a second header"},
		{"another version", `{"event":"header","version":2}` + "\n", "line 1: the journal has format version 2, this program reads 1"},
		{"no version", `{"event":"header"}` + "\n", "line 1: the journal has format version 0, this program reads 1"},
		{"a start that is none", `{"event":"header","version":1,"start":"now"}` + "\n", `line 1: column 44: start is "now", not a time such as 2026-11-23T15:04:05.999Z`},
		{"a torn middle line", header + `{"event":"attempt","se` + "\n" + attempt, "line 2: column 23: the line ends within a string"},
		{"torn after a value", header + `{"event":"attempt","seq":1` + "\n" + attempt, "line 2: column 27: the line ends where ',' or '}' is due"},
		{"torn after a key", header + `{"event":"attempt","seq"` + "\n" + attempt, "line 2: column 25: the line ends where ':' is due"},
		{"two objects a line", header + `{"event":"late"}{"event":"late"}` + "\n", `line 2: column 17: got '{' behind the object`},
		{"a NUL", header + "{\"event\":\"late\"}\x00\n", `line 2: column 17: got '\x00' behind the object`},
		{"no object", header + "[]\n", "line 2: column 1: got '[' where '{' is due"},
		{"no event", header + `{"seq":1}` + "\n", `line 2: column 10: the object has no "event"`},
		{"an attempt twice", header + attempt + attempt, "line 3: attempt 1 is there already"},
		{"an end without its attempt", header + attempt + `{"event":"end","seq":2}` + "\n", "line 3: an end without its attempt 2"},
		{"two ends", header + attempt + strings.Repeat(`{"event":"end","seq":1}`+"\n", 2), "line 4: attempt 1 has ended already"},
		{"a connection twice", header + strings.Repeat(`{"event":"open","conn":1}`+"\n", 2), "line 3: connection 1 is there already"},
		{"a close without its connection", header + `{"event":"close","conn":1}` + "\n", "line 2: a close without its connection 1"},
		{"two closes", header + `{"event":"open","conn":1}` + "\n" + strings.Repeat(`{"event":"close","conn":1,"closed":"client-fin"}`+"\n", 2), "line 4: connection 1 is closed already"},
		{"a fraction", header + `{"event":"attempt","seq":1.5}` + "\n", "line 2: column 27: a whole number is due, without fraction or exponent"},
		{"a negative ordinal", header + `{"event":"attempt","seq":-1}` + "\n", "line 2: column 26: got '-' where a whole number is due"},
		{"too large for 64 bits", header + `{"event":"attempt","seq":18446744073709551616}` + "\n", "line 2: column 45: the number is above 18446744073709551615"},
		{"too large for an instant", header + `{"event":"attempt","first_ns":9223372036854775808}` + "\n", "line 2: column 50: the number does not fit 64 bits"},
		{"a string for a number", header + `{"event":"attempt","seq":"1"}` + "\n", `line 2: column 26: got '"' where a whole number is due`},
		{"a number for a string", header + `{"event":"attempt","route":1}` + "\n", "line 2: column 28: got '1' where a string is due"},
		{"a word for a truth", header + `{"event":"attempt","ambiguous":yes}` + "\n", "line 2: column 32: got 'y' where true or false is due"},
		{"a naming that is none", header + `{"event":"attempt","naming":"luck"}` + "\n", `line 2: column 35: naming is "luck"; allowed are ["print" "prefix" "path" "header"]`},
		{"a closer that is none", header + attempt + `{"event":"end","seq":1,"closed":"us"}` + "\n", `line 3: column 37: closed is "us"; allowed are ["" "server-fin" "server-rst" "client-fin" "client-rst"]`},
		{"a short hash", header + `{"event":"attempt","body_sha256":"ab"}` + "\n", "line 2: column 38: body_sha256 has 2 characters, not 64 hex digits"},
		{"a hash that is not hex", header + `{"event":"attempt","body_sha256":"` + strings.Repeat("x", 64) + `"}` + "\n", "line 2: column 100: body_sha256: encoding/hex: invalid byte: U+0078 'x'"},
		{"a body that is not base64", header + `{"event":"attempt","body_base64":"!"}` + "\n", "line 2: column 37: body_base64: illegal base64 data at input byte 0"},
		{"a field of one", header + `{"event":"attempt","headers":[["a"]]}` + "\n", "line 2: column 35: got ']' where ',' is due"},
		{"an escape that is none", header + `{"event":"attempt","route":"\x"}` + "\n", "line 2: column 29: no escape begins with 'x'"},
		{"a short escape", header + `{"event":"attempt","route":"\u12"}` + "\n", `line 2: column 29: 4 hex digits are due after \u`},
	} {
		t.Run(s.name, func(t *testing.T) {
			l, err := Read(strings.NewReader(s.file))
			if err == nil || err.Error() != s.want {
				t.Errorf("got %v, %v\nwant the error %q", l, err, s.want)
			}
			var line *LineError
			if strings.HasPrefix(s.want, "line") != errors.As(err, &line) {
				t.Errorf("%T is no LineError, or is one without a line", err)
			}
		})
	}
}

func TestReadFailsWithItsReader(t *testing.T) {
	broken := errors.New("the disk is gone")
	_, err := Read(io.MultiReader(bytes.NewReader(readGolden(t)), iotest.ErrReader(broken)))
	if want := "after line 16: the disk is gone"; !errors.Is(err, broken) || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there gives %v", err)
	}
	path := filepath.Join(t.TempDir(), "j")
	if err := os.WriteFile(path, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil || err.Error() != path+`: line 1: column 3: the object has no "event"` {
		t.Errorf("a file that is no journal gives %v", err)
	}
}

func TestReadWhatOthersWrote(t *testing.T) {
	file := `
{"version":1,"later":{"a":[1,-2.5e3,"x]}\"",null,true]},"event":"header"}
{"seq":1,"conn":4,"headers":[["A","\ud83d\ude00\/\b\f\n\r\t\u00e9\ud800"]],"event":"attempt","reason":"r"}
{"event":"tomorrow","what":[{}]}
{"event":"attempt","seq":2,"headers":[],"drawn":[],"new":{"x":"y"}}`
	l, err := Read(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	want := []Attempt{
		{Seq: 1, Conn: 4, Entry: -1, Reason: "r", Headers: []Field{{"A", "\U0001F600/\b\f\n\r\té\uFFFD"}}},
		{Seq: 2, Entry: -1},
	}
	if !reflect.DeepEqual(l.Attempts, want) {
		t.Errorf("got %+v\nwant %+v", l.Attempts, want)
	}
}

func TestStringsSurvive(t *testing.T) {
	for _, s := range []string{"", "plain", `"quoted\"`, "\x00\x1f\x7f", "é€😀", "\xff\xfe", "a\xe2\x82", "\xed\xb2\x80", "\xf4\x90\x80\x80", "\ufffd", "\u2028", "</script>"} {
		p := parser{b: appendQuoted(nil, s)}
		if got := string(p.str()); got != s || p.err != nil {
			t.Errorf("%q came back as %q, %v", s, got, p.err)
		}
	}
}

func TestNames(t *testing.T) {
	for _, s := range []struct{ got, want string }{
		{ClosedNot.String(), "open"}, {ClosedByClientRST.String(), "client-rst"}, {Closer(9).String(), "9"},
		{NamedByPrint.String(), "print"}, {NamedByHeader.String(), "header"}, {Naming(9).String(), "9"},
	} {
		if s.got != s.want {
			t.Errorf("got %q, want %q", s.got, s.want)
		}
	}
}

func TestWriteFailsWithItsWriter(t *testing.T) {
	_, l := goldenFile(t)
	err := l.Write(iotest.TruncateWriter(&bytes.Buffer{}, 0))
	if err != nil {
		t.Errorf("a writer that takes all gives %v", err)
	}
	if err := l.Write(&fullDisk{room: 10}); !errors.Is(err, errFull) {
		t.Errorf("got %v, want %v", err, errFull)
	}
}

func FuzzRead(f *testing.F) {
	whole := readGolden(f)
	f.Add(whole)
	f.Add(whole[:len(whole)-20])
	for line := range bytes.Lines(whole) {
		f.Add(append([]byte(`{"event":"header","version":1}`+"\n"), line...))
	}
	f.Add([]byte(`{"a":"\ud800\udc00\ud800\u0000","b":[[],{},-1.5e9],"event":"header","version":1}` + "\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		l, err := Read(bytes.NewReader(file))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := l.Write(&again); err != nil {
			t.Fatal(err)
		}
		if year := l.Header.Start.UTC().Year(); year < 0 || year > 9999 {
			return // RFC 3339 has no such year, and a zone can lead there
		}
		text := bytes.Clone(again.Bytes())
		l2, err := Read(&again)
		if err != nil {
			t.Fatalf("what Write wrote cannot be read: %v\n%s", err, text)
		}
		var third bytes.Buffer
		if err := l2.Write(&third); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, third.Bytes()) {
			t.Fatalf("the Log is not stable: first\n%s\nthen\n%s", text, third.Bytes())
		}
	})
}
