package chaosserver

import (
	"strings"
	"testing"

	"brownout/chaosserver/journal"
)

// TestStalls: nothing comes beyond the point of a stall, and the attempt ends when the client ends it, whatever it has left
// unread at the server.
func TestStalls(t *testing.T) {
	const long = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello"
	for _, row := range []struct {
		scenario, request, want string
		status                  int
	}{
		{"faults: [{stall: before-headers}]", getX, "", 0},
		{"faults: [{stall: before-headers}]", getX + getX, "", 0},
		{"faults: [{stall: headers, after: 12B}]", getX, "HTTP/1.1 200", 0},
		{"routes: [{match: GET /, answers: [{text: '0123456789', stall: body, after: 3B}]}]", getX, head(tenBytes) + "012", 200},
		{"faults: [{stall: request-body}]", long, "", 0},
		{"faults: [{stall: request-body, after: 2B}]", long, "", 0},
	} {
		for _, at := range places {
			for _, abort := range []string{"FIN", "RST"} {
				t.Run(row.scenario+"/"+at.name+"/"+abort, func(t *testing.T) {
					srv := serve(t, at, row.scenario)
					c := dial(t, srv)
					c.say(t, row.request)
					var log *journal.Log
					must(t, srv.Await(within(t), func(l *journal.Log) bool { log = l; return len(l.Attempts) == 1 }))
					if log.Attempts[0].Ended {
						t.Error("the attempt ended before the client did")
					}
					var got strings.Builder
					for got.Len() < len(row.want) || row.status != 0 && !strings.HasSuffix(got.String(), "012") {
						b, err := c.in.ReadByte()
						must(t, err)
						got.WriteByte(b)
					}
					if text := got.String(); row.status != 0 && undated(t, text) != row.want || row.status == 0 && text != row.want {
						t.Errorf("the client saw %q, want %q", text, row.want)
					}
					closer := journal.ClosedByClientFIN
					if abort == "RST" {
						must(t, c.SetLinger(0))
						closer = journal.ClosedByClientRST
					}
					must(t, c.Close())
					a := ended(t, srv, 1).Attempts[0]
					if a.Status != row.status || a.Whole || a.Closed != closer || !strings.HasPrefix(a.Wire, "stall") || a.Failure != "" {
						t.Errorf("the attempt: %+v", a)
					}
					closed(t, srv, 1)
				})
			}
		}
	}
}

// TestStallEndsWithServer: a stall that no client ends is ended by the server's end.
func TestStallEndsWithServer(t *testing.T) {
	for _, at := range places {
		for _, point := range []string{"accept", "request-body", "before-headers", "headers", "body"} {
			t.Run(point+"/"+at.name, func(t *testing.T) {
				srv := serve(t, at, "faults: [{stall: "+point+"}]")
				c := dial(t, srv)
				c.say(t, getX)
				must(t, srv.Await(within(t), func(l *journal.Log) bool {
					return len(l.Conns) == 1 && (point == "accept" || len(l.Attempts) == 1)
				}))
				must(t, srv.Close())
				log := srv.Journal().Log()
				if how := log.Conns[0].Closed; how != journal.ClosedByServerFIN {
					t.Errorf("closed by %v", how)
				}
				if point != "accept" && !log.Attempts[0].Ended {
					t.Errorf("the attempt has not ended: %+v", log.Attempts[0])
				}
			})
		}
	}
}

// TestStallAtAccept: nothing is read or sent, and the connection is the client's to end.
func TestStallAtAccept(t *testing.T) {
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) {
			srv := serve(t, at, "faults: [{stall: accept}]")
			c := dial(t, srv)
			c.say(t, getX)
			must(t, srv.Await(within(t), func(l *journal.Log) bool { return len(l.Conns) == 1 }), c.Close())
			log := closed(t, srv, 1)
			if conn := log.Conns[0]; conn.Closed != journal.ClosedByClientFIN || len(conn.Applied) != 1 || len(log.Attempts) != 0 {
				t.Errorf("%+v, %d attempts", conn, len(log.Attempts))
			}
		})
	}
}
