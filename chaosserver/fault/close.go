package fault

import "context"

// fin ends the connection with a FIN, whatever the client has sent or still sends. A close alone would send a RST
// where received bytes are unread (RFC 2525, section 2.17).
func fin(_ context.Context, s Strike) error { return s.Conn.CloseWrite() }
