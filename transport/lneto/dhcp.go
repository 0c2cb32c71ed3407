package lneto

const maxHostname = 32

type lease struct{}

func (l *lease) start(b *Backend, now int64)                         {}
func (l *lease) input(b *Backend, frame, ip, body []byte, now int64) {}
func (l *lease) output(b *Backend, frame []byte, now int64) int      { return 0 }
