package fault

import "time"

// Conn is a connection that a wire fault strikes.
type Conn interface {
	// Reset ends the connection with a RST.
	Reset() error
	// CloseWrite ends our side with a FIN. What the client still sends is received, and the connection is closed
	// once the client has ended its side, or after [FINWait].
	CloseWrite() error
}

// Striker carries out a wire fault. It returns when the fault has been handed to the kernel. The error says why it
// could not be carried out.
type Striker func(c Conn) error

// FINWait is how long a connection stays half closed after a FIN for a client that does not end its side.
const FINWait = 500 * time.Millisecond
