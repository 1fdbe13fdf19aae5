// The shapes of the parameters that have parts. A parameter file is checked against them before anything is sent to Azure.

@export()
@description('How far a Flex Consumption app scales.')
@sealed()
type flexScale = {
  @description('Memory of an instance in MB.')
  instanceMemoryMB: 512 | 2048 | 4096

  @description('Instances that the whole app may have at most. A topic never gets more than it has partitions.')
  @minValue(40)
  @maxValue(1000)
  maximumInstanceCount: int

  @description('Instances that are kept and paid for when nothing runs: by group (durable, http, blob) or function:NAME. Empty scales to zero.')
  alwaysReady: {
    name: string
    @minValue(0)
    instanceCount: int
  }[]
}

@export()
@description('How far an Elastic Premium plan scales.')
@sealed()
type premiumScale = {
  size: 'EP1' | 'EP2' | 'EP3'

  @description('Instances that are kept and paid for when nothing runs.')
  @minValue(1)
  @maxValue(20)
  minimumInstanceCount: int

  @description('Instances that the plan may have at most.')
  @minValue(1)
  @maxValue(100)
  maximumInstanceCount: int

  @description('Spreads the plan over zones. It then needs at least two kept instances, and a region that has zones.')
  zoneRedundant: bool
}

@export()
@description('The lake. Without existingAccount an account and its container are made.')
@sealed()
type lake = {
  container: string

  @description('Folder within the container below which the tables lie. Empty: the container itself.')
  folder: string

  @description('Whether a new account has a hierarchical namespace (ADLS Gen2). Matih works the same with and without it.')
  hierarchicalNamespace: bool

  @description('Redundancy of a new account.')
  sku: 'Standard_LRS' | 'Standard_ZRS' | 'Standard_GRS' | 'Standard_GZRS'

  @description('Days for which a new account keeps deleted blobs.')
  @minValue(1)
  @maxValue(365)
  softDeleteDays: int

  @description('An account that is there already, with its container; only the role on the container is added.')
  existingAccount: string?

  @description('Resource group of the existing account. Left out: the one that is deployed to.')
  existingResourceGroup: string?

  @description('Subscription of the existing account. Left out: the one that is deployed to.')
  existingSubscription: string?
}

@export()
@description('A key vault that is there already. The app may then read the secrets that pipelineSecrets names, and no other.')
@sealed()
type existingVault = {
  name: string

  @description('Resource group of the vault. Left out: the one that is deployed to.')
  resourceGroup: string?

  @description('Subscription of the vault. Left out: the one that is deployed to.')
  subscription: string?
}

@export()
@description('Ids of private DNS zones that are there already, by what they resolve.')
@sealed()
type dnsZones = {
  blob: string?
  dfs: string?
  queue: string?
  table: string?
  vault: string?
  sites: string?
}

@sealed()
type noNetwork = {
  kind: 'none'
}

@sealed()
type newNetwork = {
  kind: 'new'

  @description('Address space of the network, at least a /24: the app gets the first half of it, the private endpoints the next /27.')
  addressPrefix: string
}

@sealed()
type existingNetwork = {
  kind: 'existing'

  @description('Subnet of the app, for itself alone. Delegated to Microsoft.App/environments for Flex Consumption and for the container, to Microsoft.Web/serverFarms for Elastic Premium.')
  appSubnetId: string

  @description('Subnet of the private endpoints.')
  endpointSubnetId: string

  @description('Zones in which the private endpoints register. A zone that is left out is somebody else\'s to fill, such as a policy\'s.')
  dnsZones: dnsZones
}

@export()
@description('The network that the app lives in, and where the private endpoints of storage, vault and app are.')
@discriminator('kind')
type network = noNetwork | newNetwork | existingNetwork

@export()
@description('A pipeline that a container of its own runs.')
@sealed()
type containerPipeline = {
  @description('Lower case letters, digits and dashes.')
  @minLength(1)
  @maxLength(23)
  name: string

  @description('The YAML of the pipeline: loadTextContent(\'…\') in a parameter file. Secrets do not belong into it, only their names.')
  definition: string

  @description('Cores, such as 1.0. Memory is twice as many GiB.')
  cpu: '0.25' | '0.5' | '0.75' | '1.0' | '1.25' | '1.5' | '1.75' | '2.0' | '2.5' | '3.0' | '3.5' | '4.0'
}

@export()
@description('When an alert is raised, for each pipeline and table.')
@sealed()
type alertLimits = {
  @description('Records that wait to be committed, over three looks in a row.')
  @minValue(1)
  lagRecords: int

  @description('Seconds without a commit while records wait.')
  @minValue(60)
  commitAgeSeconds: int

  @description('Failures within 15 minutes. Attempts that went well the second time count too.')
  @minValue(1)
  failures: int

  @description('Minutes without a sign of life of the app.')
  silenceMinutes: 15 | 30 | 60 | 120
}

@export()
@description('Names that a convention wants. What is left out is made of the prefix and a hash of the resource group.')
@sealed()
type resourceNames = {
  identity: string?
  app: string?
  plan: string?
  hostStorage: string?
  lakeStorage: string?
  vault: string?
  workspace: string?
  insights: string?
  network: string?
  environment: string?
}
