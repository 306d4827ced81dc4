package journal_test

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"brownout/chaosserver/journal"
)

// A server records an attempt before it answers, and its end after; a verdict reads what came of it.
func Example() {
	j, err := journal.New(journal.Options{Scenario: "two 503s, then fine", Seed: 1})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	for i, status := range []int{503, 503, 200} {
		seq := uint64(i) + 1
		err = j.Attempt(&journal.AttemptRecord{
			Seq: seq, Route: "GET /items/:id", Call: "GET /items/1", CallNo: 1, N: i + 1, Nth: i + 1,
			Method: "GET", Target: "/items/1", RawHeader: []byte("Host: localhost\r\nAuthorization: Bearer secret\r\n"),
			First: j.Now(), Read: j.Now(), Sent: j.Now(), Status: status, Entry: i, Reason: fmt.Sprintf("answers[%d]", i),
		})
		if err != nil {
			break // the file cannot take the record, so the answer must not be sent
		}
		j.End(&journal.EndRecord{Seq: seq, Done: j.Now(), BytesSent: 100, Whole: true})
	}
	if err := j.Shut(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	for _, a := range j.Log().Attempts {
		fmt.Println(a.Method, a.Target, a.Status, a.Reason, "secret:", len(a.Headers[1].Value), "characters of a hash")
	}
	// Output:
	// GET /items/1 503 answers[0] secret: 23 characters of a hash
	// GET /items/1 503 answers[1] secret: 23 characters of a hash
	// GET /items/1 200 answers[2] secret: 23 characters of a hash
}

// A test makes the record it needs, and the file of it.
func ExampleLog_Write() {
	log := &journal.Log{
		Header:   journal.Header{Version: journal.FormatVersion, Scenario: "made"},
		Attempts: []journal.Attempt{{Seq: 1, Method: "GET", Target: "/", Status: 503, First: time.Second, Read: time.Second, Sent: time.Second}},
	}
	var file bytes.Buffer
	if err := log.Write(&file); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	fmt.Print(file.String())
	// Output:
	// {"event":"header","version":1,"scenario":"made","seed":0,"start":"0001-01-01T00:00:00Z"}
	// {"event":"attempt","seq":1,"method":"GET","target":"/","first_ns":1000000000,"read_ns":1000000000,"sent_ns":1000000000,"entry":0,"status":503}
}
