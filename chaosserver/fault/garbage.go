package fault

import (
	"context"
	"io"
)

// garbage sends bytes that are no answer, and ends the connection with a FIN.
func garbage(_ context.Context, s Strike) error {
	if _, err := io.Copy(s.Conn, s.Garbage()); err != nil {
		return err
	}
	return s.Conn.CloseWrite()
}
