package main

// Numbers of system calls, and a struct that differs (linux/amd64).
const (
	sysRead         = 0
	sysWrite        = 1
	sysClose        = 3
	sysMaskSignals  = 14
	sysNanosleep    = 35
	sysSendTo       = 44
	sysSocket       = 41
	sysShutdown     = 48
	sysBind         = 49
	sysListen       = 50
	sysSocketName   = 51
	sysSocketOption = 54
	sysAwaitSignal  = 128
	sysExitGroup    = 231
	sysEpollControl = 233
	sysEpollWait    = 281 // epoll_pwait, which both have
	sysEpollCreate  = 291
	sysClock        = 228
	sysAccept       = 288
	sysEventFD      = 290
)

// event is struct epoll_event, which is packed here.
type event struct {
	events uint32
	slot   int32
	_      int32
}
