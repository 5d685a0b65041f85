/* SPDX-License-Identifier: MIT */
/* variables.c - tells whether the firmware has variables. */
#include "loader.h"

EFI_RUNTIME_SERVICES *variable_services(void)
{
    EFI_RUNTIME_SERVICES *runtime = system_table->RuntimeServices;
    return runtime && runtime->GetVariable && runtime->SetVariable ? runtime : NULL;
}
