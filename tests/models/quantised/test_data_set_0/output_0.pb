
BprobabilitiesJ(6è?ê-<7C(8|Vm6À€5)™ì8ï¬R9Ä¼4F«•50»æ5