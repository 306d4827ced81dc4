package fault

import "context"

// reset ends the connection with a RST: the kernel drops what was not sent yet and tells the client at once (close(2)
// with SO_LINGER of 0; RFC 9293, section 3.9.1, "ABORT"). What was to go before it has gone: see [Conn].
func reset(_ context.Context, s Strike) error { return s.Conn.Reset() }
