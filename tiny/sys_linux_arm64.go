package main

// Numbers of system calls, and a struct that differs (linux/arm64).
const (
	sysRead         = 63
	sysWrite        = 64
	sysClose        = 57
	sysMaskSignals  = 135
	sysNanosleep    = 101
	sysSendTo       = 206
	sysSocket       = 198
	sysShutdown     = 210
	sysBind         = 200
	sysListen       = 201
	sysSocketName   = 204
	sysSocketOption = 208
	sysAwaitSignal  = 137
	sysExitGroup    = 94
	sysEpollControl = 21
	sysEpollWait    = 22
	sysEpollCreate  = 20
	sysClock        = 113
	sysAccept       = 242
	sysEventFD      = 19
)

// event is struct epoll_event.
type event struct {
	events uint32
	_      int32
	slot   int32
	_      int32
}
