metadata description = 'The Functions app on an Elastic Premium plan: kept instances, and more of them as the topics fall behind.'

import { premiumScale } from '../types.bicep'

param name string
param planName string
param location string
param tags object

@description('Settings of the app, by name.')
param settings object
param scale premiumScale

@description('Address of the package, which is uploaded by hand: a content share would need a shared key.')
param packageUrl string
param identityId string

@description('Subnet of the app; empty for none.')
param subnetId string
param publicNetworkAccess bool

// What Flex Consumption has in functionAppConfig are settings here.
var planSettings = {
  FUNCTIONS_EXTENSION_VERSION: '~4'
  FUNCTIONS_WORKER_RUNTIME: 'dotnet-isolated'
  WEBSITE_RUN_FROM_PACKAGE: packageUrl
  WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID: identityId
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'elastic'
  sku: {
    tier: 'ElasticPremium'
    name: scale.size
    capacity: scale.minimumInstanceCount
  }
  properties: {
    reserved: true
    maximumElasticWorkerCount: scale.maximumInstanceCount
    zoneRedundant: scale.zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  // By this tag azd finds where the package goes.
  tags: union(tags, { 'azd-service-name': 'functions' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    outboundVnetRouting: empty(subnetId) ? null : { allTraffic: true }
    siteConfig: {
      linuxFxVersion: 'DOTNET-ISOLATED|10.0'
      ftpsState: 'Disabled'
      minTlsVersion: '1.2'
      http20Enabled: true
      minimumElasticInstanceCount: scale.minimumInstanceCount
      // Kafka scales by what the trigger itself sees of the topic, which this lets the platform ask.
      functionsRuntimeScaleMonitoringEnabled: true
      appSettings: map(items(union(settings, planSettings)), setting => {
        name: setting.key
        value: setting.value
      })
    }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }
}

output id string = app.id
output hostName string = app.properties.defaultHostName
