//go:build linux && (amd64 || arm64)

package epoll

// Poller is the descriptor of lane 0, for a backend that is made of this one and
// has another way to wait: it is readable when a Wait on lane 0 would give an
// event. It is valid until Close.
func (b *Backend) Poller() uintptr { return uintptr(b.lanes[0].epfd) }
