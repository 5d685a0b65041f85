/*
 * cpu_tables.h - our own GDT, IDT and TSS (SDM 3A, chapters 3, 6 and 8).
 */
#ifndef KERNEL_CPU_TABLES_H
#define KERNEL_CPU_TABLES_H

/*
 * Replace the firmware's descriptor tables and segment registers. From here on every exception reaches
 * faults.c; #DF, NMI and #MC have stacks of their own, so that a broken stack is reported and not fatal.
 */
void cpu_tables_load(void);

#endif
