package fault

import (
	"context"
	"io"
	"time"
)

// Conn is a connection that a wire fault strikes.
type Conn interface {
	// Write writes past whatever frames answers.
	Write(p []byte) (int, error)
	// Reset ends the connection with a RST, once everything written before has been sent.
	Reset() error
	// CloseWrite ends our side with a FIN. What the client still sends is received, and the connection is closed
	// once the client has ended its side, or after [FINWait].
	CloseWrite() error
	// AwaitEnd returns once the client has ended the connection, or the context has ended. It reads nothing.
	AwaitEnd(ctx context.Context)
}

// Strike is what a wire fault strikes, and with what.
type Strike struct {
	Conn    Conn
	Garbage func() io.Reader // the bytes of garbage
}

// Striker carries out a wire fault. It returns when the fault has been handed to the kernel, a stall when it has ended.
// The error says why it could not be carried out.
type Striker func(ctx context.Context, s Strike) error

// FINWait is how long a connection stays half closed after a FIN for a client that does not end its side.
const FINWait = 500 * time.Millisecond
