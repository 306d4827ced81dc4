package fault

import "context"

// stall lets no further byte go, in either direction, until the client has ended the connection, or the context ends.
func stall(ctx context.Context, s Strike) error {
	s.Conn.AwaitEnd(ctx)
	return nil
}
