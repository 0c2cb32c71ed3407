// The interrupt vectors of the Stellaris LM3S6965 (data sheet, table 2-9).

.syntax unified

.section .text.Default_Handler
.global  Default_Handler
.type    Default_Handler, %function
.thumb_func
Default_Handler:
    b    Fault_Handler
.size Default_Handler, .-Default_Handler

// Hands the stack of what was interrupted, and the reason, to Go: bit 2 of the
// exception's return value says which of the two stacks that is.
.section .text.Fault_Handler
.global  Fault_Handler
.type    Fault_Handler, %function
.thumb_func
Fault_Handler:
    tst   lr, #4
    ite   eq
    mrseq r0, msp
    mrsne r0, psp
    mrs   r1, ipsr
    // A stack that ran out is no place for the handler.
    ldr   r2, =_stack_top
    mov   sp, r2
    b     bobtail_fault
.size Fault_Handler, .-Fault_Handler

    // A program without the driver has no handler for its interrupt.
    .weak Ethernet_Handler
    .set  Ethernet_Handler, Default_Handler

.section .isr_vector, "a", %progbits
.global  __isr_vector
__isr_vector:
    .long _stack_top
    .long Reset_Handler
    .rept 13
    .long Fault_Handler
    .endr
    .long SysTick_Handler
    // Interrupts 0 to 43; the Ethernet controller has 42.
    .rept 42
    .long Default_Handler
    .endr
    .long Ethernet_Handler
    .long Default_Handler
.size __isr_vector, .-__isr_vector
