metadata name = 'Matih'
metadata description = 'Kafka topics into Iceberg tables: as an Azure Functions app that scales to zero, or as containers that run always. infra/README.md explains the parameters.'

targetScope = 'resourceGroup'

import {
  alertLimits
  containerPipeline
  existingVault
  flexScale
  lake
  network
  premiumScale
  resourceNames
} from 'types.bicep'

// What is made

@description('functions: Kafka triggers and an orchestrator, scaled by lag. container: a process for each pipeline that never stops.')
@allowed(['functions', 'container'])
param host string = 'functions'

@description('Plan of the Functions app. flex scales to zero. premium keeps instances.')
@allowed(['flex', 'premium'])
param functionsPlan string = 'flex'

@description('Begins every name: lower case letters and digits.')
@minLength(2)
@maxLength(8)
param prefix string = 'matih'

@description('Names that a convention wants instead of the ones that are made up.')
param names resourceNames = {}

param location string = resourceGroup().location
param tags object = {}

// Scale

param flex flexScale = {
  instanceMemoryMB: 2048
  maximumInstanceCount: 40
  alwaysReady: []
}

param premium premiumScale = {
  size: 'EP1'
  minimumInstanceCount: 1
  maximumInstanceCount: 10
  zoneRedundant: false
}

// Tables

param warehouse lake = {
  container: 'warehouse'
  folder: ''
  hierarchicalNamespace: true
  sku: 'Standard_ZRS'
  softDeleteDays: 7
}

@description('Catalog of sinks that name none, as MATIH_CATALOG has it. Empty: a file catalog in the warehouse.')
param catalog string = ''

// Pipelines

@description('Variables that pipelines name, by name: brokers, user names, addresses. Nothing secret.')
param pipelineSettings object = {}

@description('Variables that pipelines name and that are secret: name to the name of the secret in the vault.')
#disable-next-line secure-secrets-in-params // It has names of secrets, and no value.
param pipelineSecrets object = {}

@description('A vault that is there already. Null makes one.')
param vault existingVault?

@description('How often the Functions app looks whether every pipeline is up: six fields, from seconds to day of the week.')
param watchSchedule string = '0 */5 * * * *'

@description('The least severity that is logged.')
@allowed(['debug', 'information', 'warning', 'error'])
param logLevel string = 'information'

@description('Folder for rows that wait for a checkpoint where memory is short. Empty: the temporary folder.')
param stateDirectory string = ''

// Containers

@description('The image that has the matih command as its entry point.')
param image string = ''

@description('Name of the Azure Container Registry that the image is in. Empty: a public registry.')
param registryName string = ''

@description('Resource group of the registry.')
param registryResourceGroup string = resourceGroup().name

@description('The pipelines that containers run. A Functions app has its pipelines in its package.')
param containerPipelines containerPipeline[] = []

// Network

@description('Where app and private endpoints live. none: the app reaches everything over public addresses.')
param virtualNetwork network = { kind: 'none' }

@description('Whether storage, vault and app answer on public addresses, to those with a token. false needs a network.')
param publicNetworkAccess bool = true

// Operations

@description('Id of a Log Analytics workspace that is there already. Empty makes one.')
param workspaceId string = ''

@description('Days for which a new workspace keeps its logs.')
@minValue(30)
@maxValue(730)
param retentionInDays int = 30

@description('When alerts are raised.')
param alerts alertLimits = {
  lagRecords: 100000
  commitAgeSeconds: 1800
  failures: 5
  silenceMinutes: 30
}

@description('Mail addresses that are told.')
param alertEmails string[] = []

@description('Ids of action groups that are told.')
param actionGroupIds string[] = []

@description('Object id of whoever deploys: may put secrets into a new vault and upload packages for Elastic Premium. Empty: nobody.')
param deployerPrincipalId string = ''

@allowed(['User', 'Group', 'ServicePrincipal'])
param deployerPrincipalType string = 'User'

// Names

var token = take(uniqueString(resourceGroup().id, prefix), 10)
var isFunctions = host == 'functions'
var isFlex = functionsPlan == 'flex'
var appName = names.?app ?? '${prefix}-${token}'
var planName = names.?plan ?? 'plan-${prefix}-${token}'
var hostStorageName = names.?hostStorage ?? 'st${prefix}host${token}'
var lakeName = warehouse.?existingAccount ?? names.?lakeStorage ?? 'st${prefix}lake${token}'
var vaultName = vault.?name ?? names.?vault ?? 'kv-${prefix}-${token}'
var networkName = names.?network ?? 'vnet-${prefix}-${token}'
var packageContainer = 'packages'

// What the app is told

var makesLake = warehouse.?existingAccount == null
var makesVault = vault == null
var isInNetwork = virtualNetwork.kind != 'none'
var isPublic = publicNetworkAccess || isInNetwork
  ? publicNetworkAccess
  : fail('publicNetworkAccess is false, and virtualNetwork is none: nobody could reach storage and vault. Give a virtualNetwork.')
var lakeFolder = empty(warehouse.folder) ? '' : '/${warehouse.folder}'
var warehouseAddress = 'abfss://${warehouse.container}@${lakeName}.dfs.${environment().suffixes.storage}${lakeFolder}'
var vaultUri = 'https://${vaultName}${environment().suffixes.keyvaultDns}/'

var engineSettings = union(
  {
    AZURE_CLIENT_ID: identity.outputs.clientId
    MATIH_WAREHOUSE: warehouseAddress
  },
  empty(catalog) ? {} : { MATIH_CATALOG: catalog },
  empty(stateDirectory) ? {} : { MATIH_STATE_DIR: stateDirectory }
)

// The level in the words of Matih, and in those of the Functions host.
var ownLogLevel = logLevel == 'information' ? 'info' : logLevel
var hostLogLevels = {
  debug: 'Debug'
  information: 'Information'
  warning: 'Warning'
  error: 'Error'
}

var functionsSettings = union(engineSettings, {
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.outputs.clientId};Authorization=AAD'
  APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
  AzureFunctionsJobHost__logging__logLevel__default: hostLogLevels[logLevel]
  AzureWebJobsStorage__accountName: hostStorageName
  AzureWebJobsStorage__clientId: identity.outputs.clientId
  AzureWebJobsStorage__credential: 'managedidentity'
  MATIH_LOG_LEVEL: ownLogLevel
  MATIH_WATCH_SCHEDULE: watchSchedule
})

var containerSettings = union(engineSettings, {
  MATIH_LOG: 'json'
  MATIH_LOG_LEVEL: ownLogLevel
})

var ownSettings = isFunctions ? functionsSettings : containerSettings
var secretReferences = reduce(
  map(items(pipelineSecrets), secret => {
    '${secret.key}': '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/${secret.value})'
  }),
  {},
  (all, one) => union(all, one)
)
var givenNames = concat(objectKeys(pipelineSettings), objectKeys(pipelineSecrets))
var takenNames = intersection(givenNames, concat(objectKeys(ownSettings), ['MATIH_HEALTH']))
var doubleNames = intersection(objectKeys(pipelineSettings), objectKeys(pipelineSecrets))
var givenSettings = !empty(takenNames)
  ? fail('pipelineSettings and pipelineSecrets cannot set ${join(takenNames, ', ')}: the template does, from its parameters.')
  : !empty(doubleNames)
      ? fail('${join(doubleNames, ', ')} is in pipelineSettings and in pipelineSecrets: give it in one of them.')
      : pipelineSettings

// Who the app is, and what it may

module identity 'modules/identity.bicep' = {
  params: {
    name: names.?identity ?? 'id-${prefix}-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  params: {
    hasInsights: isFunctions
    insightsName: names.?insights ?? 'appi-${prefix}-${token}'
    workspaceName: names.?workspace ?? 'log-${prefix}-${token}'
    existingWorkspaceId: workspaceId
    retentionInDays: retentionInDays
    location: location
    tags: tags
    principalId: identity.outputs.principalId
  }
}

module hostStorage 'modules/hostStorage.bicep' = if (isFunctions) {
  params: {
    name: hostStorageName
    packageContainer: packageContainer
    location: location
    tags: tags
    publicNetworkAccess: isPublic
    principalId: identity.outputs.principalId
    uploaderPrincipalId: isFlex ? '' : deployerPrincipalId
    uploaderPrincipalType: deployerPrincipalType
  }
}

module lakeStorage 'modules/lakeStorage.bicep' = if (makesLake) {
  params: {
    name: lakeName
    settings: warehouse
    location: location
    tags: tags
    publicNetworkAccess: isPublic
  }
}

module lakeRole 'modules/lakeRole.bicep' = {
  scope: resourceGroup(
    warehouse.?existingSubscription ?? subscription().subscriptionId,
    warehouse.?existingResourceGroup ?? resourceGroup().name
  )
  dependsOn: [lakeStorage]
  params: {
    accountName: lakeName
    container: warehouse.container
    principalId: identity.outputs.principalId
  }
}

module newVault 'modules/vault.bicep' = if (makesVault) {
  params: {
    name: vaultName
    location: location
    tags: tags
    publicNetworkAccess: isPublic
    workspaceId: monitoring.outputs.workspaceId
    principalId: identity.outputs.principalId
    officerPrincipalId: deployerPrincipalId
    officerPrincipalType: deployerPrincipalType
  }
}

module vaultSecretRoles 'modules/vaultSecretRoles.bicep' = if (!makesVault && !empty(pipelineSecrets)) {
  scope: resourceGroup(
    vault.?subscription ?? subscription().subscriptionId,
    vault.?resourceGroup ?? resourceGroup().name
  )
  params: {
    vaultName: vaultName
    secretNames: union(map(items(pipelineSecrets), secret => secret.value), [])
    principalId: identity.outputs.principalId
  }
}

module registryRole 'modules/registryRole.bicep' = if (!isFunctions && !empty(registryName)) {
  scope: resourceGroup(registryResourceGroup)
  params: {
    registryName: registryName
    principalId: identity.outputs.principalId
  }
}

// Network

var zoneNames = union(
  {
    blob: 'privatelink.blob.${environment().suffixes.storage}'
    vault: 'privatelink.vaultcore.azure.net'
  },
  warehouse.hierarchicalNamespace ? { dfs: 'privatelink.dfs.${environment().suffixes.storage}' } : {},
  isFunctions
    ? {
        queue: 'privatelink.queue.${environment().suffixes.storage}'
        table: 'privatelink.table.${environment().suffixes.storage}'
        sites: 'privatelink.azurewebsites.net'
      }
    : {}
)

module newNetwork 'modules/network.bicep' = if (virtualNetwork.kind == 'new') {
  params: {
    name: networkName
    location: location
    tags: tags
    addressPrefix: virtualNetwork.?addressPrefix ?? ''
    appDelegation: isFunctions && !isFlex ? 'Microsoft.Web/serverFarms' : 'Microsoft.App/environments'
    zoneNames: zoneNames
  }
}

var appSubnetId = virtualNetwork.kind == 'new' ? newNetwork!.outputs.appSubnetId : virtualNetwork.?appSubnetId ?? ''

// Only what this template makes gets endpoints: what was there has its own.
var dataEndpoints = !isInNetwork
  ? []
  : concat(
      isFunctions
        ? [
            { target: 'host', group: 'blob' }
            { target: 'host', group: 'queue' }
            { target: 'host', group: 'table' }
          ]
        : [],
      makesLake ? [{ target: 'lake', group: 'blob' }] : [],
      makesLake && warehouse.hierarchicalNamespace ? [{ target: 'lake', group: 'dfs' }] : [],
      makesVault ? [{ target: 'vault', group: 'vault' }] : []
    )

var endpointSubnetId = virtualNetwork.kind == 'new'
  ? newNetwork!.outputs.endpointSubnetId
  : virtualNetwork.?endpointSubnetId ?? ''
var zoneIds = virtualNetwork.kind == 'new' ? newNetwork!.outputs.zoneIds : virtualNetwork.?dnsZones ?? {}

module privateEndpoints 'modules/privateEndpoint.bicep' = [
  for endpoint in dataEndpoints: {
    name: 'endpoint-${endpoint.target}-${endpoint.group}'
    params: {
      name: 'pe-${prefix}-${endpoint.target}-${endpoint.group}-${token}'
      location: location
      tags: tags
      subnetId: endpointSubnetId
      targetId: endpoint.target == 'host'
        ? hostStorage!.outputs.id
        : endpoint.target == 'lake' ? lakeStorage!.outputs.id : newVault!.outputs.id
      groupId: endpoint.group
      zoneId: zoneIds[?endpoint.group] ?? ''
    }
  }
]

// The app

module flexApp 'modules/functionsFlex.bicep' = if (isFunctions && isFlex) {
  dependsOn: [lakeRole, vaultSecretRoles, newVault, privateEndpoints]
  params: {
    name: appName
    planName: planName
    location: location
    tags: tags
    settings: union(givenSettings, secretReferences, functionsSettings)
    scale: flex
    packagesUrl: hostStorage!.outputs.packagesUrl
    identityId: identity.outputs.id
    subnetId: appSubnetId
    publicNetworkAccess: isPublic
  }
}

module premiumApp 'modules/functionsPremium.bicep' = if (isFunctions && !isFlex) {
  dependsOn: [lakeRole, vaultSecretRoles, newVault, privateEndpoints]
  params: {
    name: appName
    planName: planName
    location: location
    tags: tags
    settings: union(givenSettings, secretReferences, functionsSettings)
    scale: premium
    packageUrl: '${hostStorage!.outputs.packagesUrl}/functions.zip'
    identityId: identity.outputs.id
    subnetId: appSubnetId
    publicNetworkAccess: isPublic
  }
}

module appEndpoint 'modules/privateEndpoint.bicep' = if (isFunctions && isInNetwork) {
  params: {
    name: 'pe-${prefix}-app-sites-${token}'
    location: location
    tags: tags
    subnetId: endpointSubnetId
    targetId: isFlex ? flexApp!.outputs.id : premiumApp!.outputs.id
    groupId: 'sites'
    zoneId: zoneIds.?sites ?? ''
  }
}

module containers 'modules/containers.bicep' = if (!isFunctions) {
  dependsOn: [lakeRole, vaultSecretRoles, newVault, privateEndpoints]
  params: {
    environmentName: names.?environment ?? 'cae-${prefix}-${token}'
    namePrefix: '${prefix}-'
    location: location
    tags: tags
    image: empty(image) && !empty(containerPipelines)
      ? fail('A container needs its image: give the parameter image.')
      : image
    registryServers: empty(registryName) ? [] : [registryRole!.outputs.loginServer]
    pipelines: containerPipelines
    settings: union(givenSettings, containerSettings)
    vaultUri: vaultUri
    vaultReferences: pipelineSecrets
    stateDirectory: stateDirectory
    identityId: identity.outputs.id
    subnetId: appSubnetId
    workspaceId: monitoring.outputs.workspaceId
  }
}

// Alerts

module actionGroup 'modules/actionGroup.bicep' = if (!empty(alertEmails)) {
  params: {
    name: 'ag-${prefix}-${token}'
    tags: tags
    emails: alertEmails
  }
}

var toldGroupIds = concat(actionGroupIds, empty(alertEmails) ? [] : [actionGroup!.outputs.id])

module functionsAlerts 'modules/functionsAlerts.bicep' = if (isFunctions) {
  params: {
    namePrefix: 'alert-${prefix}-${token}'
    location: location
    tags: tags
    insightsId: monitoring.outputs.insightsId
    limits: alerts
    actionGroupIds: toldGroupIds
  }
}

module containerAlerts 'modules/containerAlerts.bicep' = if (!isFunctions && !empty(containerPipelines)) {
  params: {
    namePrefix: 'alert-${prefix}-${token}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    apps: [
      for (pipeline, index) in containerPipelines: {
        name: '${prefix}-${pipeline.name}'
        id: containers!.outputs.appIds[index]
      }
    ]
    limits: alerts
    actionGroupIds: toldGroupIds
  }
}

@description('Name of the Functions app; empty where containers run.')
output AZURE_FUNCTION_APP_NAME string = isFunctions ? appName : ''
output AZURE_KEY_VAULT_NAME string = vaultName
output MATIH_WAREHOUSE string = warehouseAddress

@description('The identity of the app, for roles at a catalog, a schema registry or Event Hubs.')
output identityClientId string = identity.outputs.clientId
output identityPrincipalId string = identity.outputs.principalId

@description('Where a package for Elastic Premium is uploaded to, as functions.zip.')
output packagesUrl string = isFunctions ? hostStorage!.outputs.packagesUrl : ''
